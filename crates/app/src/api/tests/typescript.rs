//! The interface in TypeScript, for front ends that are written in it: made from what serde's attributes say in the
//! source, so that it is what goes over the border and has the same explanations. Two files are made and stay in the
//! repository, so that nobody needs them made: the types, and as samples of them the golden texts of these tests,
//! which TypeScript's own compiler compares with the types when the web app is tested.
//!
//! After a change of the interface: `WAXWING_WRITE_TYPES=1 cargo test -p waxwing-app typescript`.

mod print;
mod source;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use source::{Reach, Source};

/// What goes in.
const ASKED: &[&str] = &["Command", "Query"];
/// What comes out.
const TOLD: &[&str] = &["Event", "Answer", "Failure"];

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/ui/src/core");
const MADE: &str =
    "// Made from crates/app/src/api by a test (crates/app/src/api/tests/typescript.rs). Do not edit.\n";

thread_local! {
    /// Golden texts by type, while somebody wants them.
    static SAMPLES: RefCell<Option<BTreeMap<&'static str, Vec<Value>>>> = const { RefCell::new(None) };
}

/// Keeps a golden text as a sample.
pub(super) fn sample<T>(golden: &Value) {
    let name = std::any::type_name::<T>().rsplit("::").next().expect("a type has a name");
    SAMPLES.with_borrow_mut(|samples| {
        if let Some(samples) = samples {
            samples.entry(name).or_default().push(golden.clone());
        }
    });
}

/// Compares a file with what it is to be, or writes it.
#[track_caller]
fn is_up_to_date(name: &str, wanted: &str) {
    let path = Path::new(FOLDER).join(name);
    if std::env::var_os("WAXWING_WRITE_TYPES").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(FOLDER).expect("the folder can be made");
        std::fs::write(&path, wanted).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{name} is stale: run `WAXWING_WRITE_TYPES=1 cargo test -p waxwing-app typescript` and look at the difference"
    );
}

#[test]
fn the_types_are_up_to_date() {
    let source = Source::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    let reached = source.reached(ASKED, TOLD);
    let mut text = MADE.to_owned();
    let first = ASKED.iter().chain(TOLD).copied();
    let others =
        reached.keys().map(String::as_str).filter(|name| !ASKED.contains(name) && !TOLD.contains(name));
    for name in first.chain(others) {
        let reach = reached.get(name).copied().expect("the roots are reached");
        text.push('\n');
        text.push_str(&print::declaration(name, &source.declaration(name, reach)));
    }
    text.push_str(&answers(&source));
    is_up_to_date("api.ts", &text);
}

/// Which answer a query gets, as the documentation of the answers says it.
fn answers(source: &Source) -> String {
    let mut answers = BTreeMap::new();
    for (answer, doc) in source.variants("Answer") {
        let queries: BTreeSet<&str> =
            doc.split("`Query::").skip(1).filter_map(|rest| rest.split('`').next()).collect();
        assert!(
            !queries.is_empty(),
            "the documentation of the answer `{answer}` says to which query it is one"
        );
        for query in queries {
            let before = answers.insert(source::camel_variant(query), answer.clone());
            assert!(before.is_none(), "the query `{query}` has one kind of answer");
        }
    }
    let queries: Vec<String> = source.variants("Query").into_iter().map(|(query, _)| query).collect();
    let mut text =
        "\n/** What kind of answer each kind of query gets. */\nexport type AnswerByQuery = {\n".to_owned();
    for query in &queries {
        let answer = answers.remove(query).unwrap_or_else(|| panic!("an answer names the query `{query}`"));
        writeln!(text, "  {query}: Extract<Answer, {{ type: '{answer}' }}>;").expect("a string takes it");
    }
    assert!(answers.is_empty(), "these are queries: {:?}", answers.keys());
    text.push_str("};\n\n/** The answer to a query. */\nexport type AnswerOf<Q extends Query> = AnswerByQuery[Q['type']];\n");
    text
}

#[test]
fn the_samples_are_up_to_date() {
    SAMPLES.set(Some(BTreeMap::new()));
    super::commands();
    super::events();
    super::connections();
    super::queries_and_answers();
    super::devices_chats_and_what_is_set();
    super::searches_and_what_they_find();
    super::every_body_and_tick();
    super::profiles_and_who_may_know_them();
    super::status_updates();
    super::the_journal();
    super::groups::commands_and_events();
    super::groups::what_can_be_changed();
    super::groups::what_happened();
    super::groups::a_group_with_everything();
    let samples = SAMPLES.take().expect("they were wanted");
    let names: Vec<&str> = samples.keys().copied().collect();
    let mut text = format!("{MADE}\nimport type {{ {} }} from './api';\n", names.join(", "));
    for (name, values) in samples {
        write!(text, "\nexport const samplesOf{name}: {name}[] = ").expect("a string takes it");
        text.push_str(&serde_json::to_string_pretty(&values).expect("it is JSON"));
        text.push_str(";\n");
    }
    is_up_to_date("api.samples.ts", &text);
}

#[test]
fn what_may_be_absent_depends_on_which_way_it_goes() {
    let source = Source::of(
        "/// Asks.
        #[derive(Serialize, Deserialize)]
        #[serde(tag = \"type\", rename_all = \"camelCase\", rename_all_fields = \"camelCase\")]
        pub enum Query { One { with: Option<String>, #[serde(default)] up_to: u64, both: Both }, TwoThree }
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = \"camelCase\")]
        pub struct Answer {
            #[serde(flatten)] deed: Deed,
            with: Option<Vec<Option<u8>>>,
            #[serde(default)] up_to: u64,
            #[serde(skip_serializing_if = \"Option::is_none\", default)] not: Option<Box<bool>>,
            both: Both,
        }
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = \"camelCase\", default)]
        pub struct Both { a: String, #[serde(skip_serializing_if = \"is_zero\")] b: u32 }
        #[derive(Serialize, Deserialize)]
        #[serde(tag = \"what\", content = \"value\", rename_all = \"camelCase\")]
        pub enum Deed { Done(Kind), Undone }
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = \"camelCase\")]
        pub enum Kind { /// That.
        OneKind, Other }",
    );
    let reached = source.reached(&["Query"], &["Answer"]);
    let printed = |name: &str| print::declaration(name, &source.declaration(name, reached[name]));
    assert_eq!(
        printed("Query"),
        "/** Asks. */\nexport type Query =\n  | {\n      type: 'one';\n      with?: string | null;\n      upTo?: number;\n      \
         both: Both;\n    }\n  | {\n      type: 'twoThree';\n    };\n"
    );
    assert_eq!(
        printed("Answer"),
        "export type Answer = {\n  with: (number | null)[] | null;\n  upTo: number;\n  not?: boolean;\n  both: Both;\n} & Deed;\n"
    );
    assert_eq!(printed("Both"), "export type Both = {\n  a: string;\n  b?: number;\n};\n");
    assert_eq!(
        printed("Deed"),
        "export type Deed =\n  | {\n      what: 'done';\n      value: Kind;\n    }\n  | {\n      what: 'undone';\n    };\n"
    );
    assert_eq!(printed("Kind"), "export type Kind =\n  /** That. */\n  | 'oneKind'\n  | 'other';\n");
    assert!(reached["Kind"] == Reach { asked: false, told: true } && reached["Both"].asked);
}
