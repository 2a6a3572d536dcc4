//! What the source says of the interface's types.

use std::collections::BTreeMap;
use std::path::Path;

use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, ExprLit, Field, Fields, GenericArgument, Item, Lit, LitStr, Meta, PathArguments, Type,
};

/// Which way a type goes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// A front end writes it.
    pub asked: bool,
    /// A front end reads it.
    pub told: bool,
}

/// A type as TypeScript knows types.
pub enum Shape {
    /// A name, or one of the language's own.
    Named(String),
    /// Many.
    List(Box<Shape>),
    /// Or `null`.
    Nullable(Box<Shape>),
    /// Exactly this text.
    Exactly(String),
    /// These fields and everything of those types.
    Object(Vec<Member>, Vec<Shape>),
    /// One of these, each with its explanation.
    OneOf(Vec<(String, Shape)>),
}

/// A field.
pub struct Member {
    pub doc: String,
    pub name: String,
    pub optional: bool,
    pub shape: Shape,
}

/// A type and its explanation.
pub struct Declaration {
    pub doc: String,
    pub shape: Shape,
}

/// Types by name.
pub struct Source {
    items: BTreeMap<String, Item>,
}

/// What serde is told.
#[derive(Default)]
struct Serde {
    tag: Option<String>,
    content: Option<String>,
    renames: bool,
    renames_fields: bool,
    default: bool,
    skipped: bool,
    skipped_if_none: bool,
    flattened: bool,
}

impl Source {
    /// Reads the interface and what it borrows from the rest of a crate.
    pub fn read(crate_folder: &Path) -> Self {
        let mut source = Self { items: BTreeMap::new() };
        for file in ["src/api.rs", "src/key.rs", "src/net.rs"] {
            source.add(&crate_folder.join(file));
        }
        let entries = std::fs::read_dir(crate_folder.join("src/api")).expect("the interface has a folder");
        for entry in entries {
            let path = entry.expect("it can be listed").path();
            if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
                source.add(&path);
            }
        }
        source
    }

    /// The same of a text.
    pub fn of(text: &str) -> Self {
        let mut source = Self { items: BTreeMap::new() };
        source.add_text(text);
        source
    }

    fn add(&mut self, path: &Path) {
        self.add_text(
            &std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        );
    }

    fn add_text(&mut self, text: &str) {
        for item in syn::parse_file(text).expect("it is Rust").items {
            let name = match &item {
                Item::Struct(item) if is_written(&item.attrs) => item.ident.to_string(),
                Item::Enum(item) if is_written(&item.attrs) => item.ident.to_string(),
                Item::Type(item) => item.ident.to_string(),
                _ => continue,
            };
            assert!(self.items.insert(name.clone(), item).is_none(), "there is one `{name}`");
        }
    }

    fn item(&self, name: &str) -> &Item {
        self.items
            .get(name)
            .unwrap_or_else(|| panic!("`{name}` is of the interface, and its file is among those read"))
    }

    /// Every type that these lead to.
    pub fn reached(&self, asked: &[&str], told: &[&str]) -> BTreeMap<String, Reach> {
        let mut reached: BTreeMap<String, Reach> = BTreeMap::new();
        let ways = [(asked, Reach { asked: true, told: false }), (told, Reach { asked: false, told: true })];
        for (roots, way) in ways {
            let mut open: Vec<String> = roots.iter().map(|&root| root.to_owned()).collect();
            while let Some(name) = open.pop() {
                let known = reached.entry(name.clone()).or_default();
                if (known.asked && way.asked) || (known.told && way.told) {
                    continue;
                }
                *known = Reach { asked: known.asked || way.asked, told: known.told || way.told };
                names(&self.declaration(&name, way).shape, &mut open);
            }
        }
        reached
    }

    /// What a type is, for those whom it reaches.
    pub fn declaration(&self, name: &str, reach: Reach) -> Declaration {
        let (attributes, shape) = match self.item(name) {
            Item::Type(item) => (&item.attrs, shape(&item.ty)),
            Item::Struct(item) => {
                let serde = Serde::of(&item.attrs);
                assert!(
                    serde.renames && serde.tag.is_none(),
                    "`{name}` is written in camel case and has no tag"
                );
                let (members, all_of) = members(&item.fields, serde.default, reach);
                (&item.attrs, Shape::Object(members, all_of))
            }
            Item::Enum(item) => {
                let serde = Serde::of(&item.attrs);
                assert!(serde.renames, "`{name}` is written in camel case");
                let one_of = item.variants.iter().map(|variant| {
                    (
                        doc(&variant.attrs),
                        one(&serde, &camel_variant(&variant.ident.to_string()), &variant.fields, reach),
                    )
                });
                (&item.attrs, Shape::OneOf(one_of.collect()))
            }
            _ => unreachable!("others were not kept"),
        };
        Declaration { doc: doc(attributes), shape }
    }

    /// The kinds of an enumeration, and what is said of each.
    pub fn variants(&self, name: &str) -> Vec<(String, String)> {
        let Item::Enum(item) = self.item(name) else { panic!("`{name}` is an enumeration") };
        item.variants
            .iter()
            .map(|variant| (camel_variant(&variant.ident.to_string()), doc(&variant.attrs)))
            .collect()
    }
}

/// A kind of an enumeration.
fn one(serde: &Serde, name: &str, fields: &Fields, reach: Reach) -> Shape {
    let Some(tag) = &serde.tag else {
        assert!(matches!(fields, Fields::Unit), "`{name}` has fields, so its enumeration has a tag");
        return Shape::Exactly(name.to_owned());
    };
    let member =
        |name: &str, shape| Member { doc: String::new(), name: name.to_owned(), optional: false, shape };
    let mut begun = vec![member(tag, Shape::Exactly(name.to_owned()))];
    match fields {
        Fields::Unit => Shape::Object(begun, Vec::new()),
        Fields::Unnamed(inner) => {
            let inner = shape(&inner.unnamed.first().expect("it has a field").ty);
            match &serde.content {
                Some(content) => {
                    begun.push(member(content, inner));
                    Shape::Object(begun, Vec::new())
                }
                None => Shape::Object(begun, vec![inner]),
            }
        }
        Fields::Named(_) => {
            assert!(
                serde.renames_fields && serde.content.is_none(),
                "fields of `{name}` are written in camel case"
            );
            let (members, all_of) = members(fields, false, reach);
            begun.extend(members);
            Shape::Object(begun, all_of)
        }
    }
}

fn members(fields: &Fields, all_default: bool, reach: Reach) -> (Vec<Member>, Vec<Shape>) {
    let (mut members, mut all_of) = (Vec::new(), Vec::new());
    for field in fields {
        let serde = Serde::of(&field.attrs);
        let shape = shape(&field.ty);
        if serde.flattened {
            all_of.push(shape);
        } else {
            members.push(member(field, &serde, shape, all_default, reach));
        }
    }
    (members, all_of)
}

/// What is read may be absent where serde may leave it out; what is only written, where serde does without. Who does
/// both writes as much as is read.
fn member(field: &Field, serde: &Serde, shape: Shape, all_default: bool, reach: Reach) -> Member {
    let name = field.ident.as_ref().expect("fields have names").to_string();
    let default = serde.default || all_default || matches!(shape, Shape::Nullable(_));
    assert!(default || !serde.skipped, "`{name}` can be read when it was left out");
    let optional = if reach.told { serde.skipped } else { default };
    let shape = match shape {
        Shape::Nullable(inner) if reach.told && serde.skipped_if_none => *inner,
        shape => shape,
    };
    Member { doc: doc(&field.attrs), name: camel_field(&name), optional, shape }
}

fn shape(ty: &Type) -> Shape {
    let Type::Path(path) = ty else { panic!("a type of the interface has a name") };
    let last = path.path.segments.last().expect("a path has an end");
    let inner = || match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(GenericArgument::Type(inner)) => shape(inner),
            _ => panic!("`{}` is of something", last.ident),
        },
        _ => panic!("`{}` is of something", last.ident),
    };
    match last.ident.to_string().as_str() {
        "Option" => Shape::Nullable(Box::new(inner())),
        "Vec" => Shape::List(Box::new(inner())),
        "Box" => inner(),
        "String" => Shape::Named("string".to_owned()),
        "bool" => Shape::Named("boolean".to_owned()),
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => Shape::Named("number".to_owned()),
        name => Shape::Named(name.to_owned()),
    }
}

/// Names of types of the interface.
fn names(shape: &Shape, found: &mut Vec<String>) {
    match shape {
        Shape::Named(name) if name.starts_with(char::is_uppercase) => found.push(name.clone()),
        Shape::Named(_) | Shape::Exactly(_) => {}
        Shape::List(inner) | Shape::Nullable(inner) => names(inner, found),
        Shape::Object(members, all_of) => {
            members.iter().for_each(|member| names(&member.shape, found));
            all_of.iter().for_each(|shape| names(shape, found));
        }
        Shape::OneOf(shapes) => shapes.iter().for_each(|(_, shape)| names(shape, found)),
    }
}

impl Serde {
    fn of(attributes: &[Attribute]) -> Self {
        let mut serde = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            let metas = attribute.parse_args_with(Punctuated::<Meta, syn::Token![,]>::parse_terminated);
            metas.expect("serde understands it").iter().for_each(|meta| serde.take(meta));
        }
        serde
    }

    fn take(&mut self, meta: &Meta) {
        let value = || literal(&meta.require_name_value().expect("it has a value").value);
        let camel = || assert_eq!(value(), "camelCase", "the interface is written in camel case");
        let name = meta.path().get_ident().expect("serde's words are plain").to_string();
        match name.as_str() {
            "tag" => self.tag = Some(value()),
            "content" => self.content = Some(value()),
            "rename_all" => {
                camel();
                self.renames = true;
            }
            "rename_all_fields" => {
                camel();
                self.renames_fields = true;
            }
            "default" => self.default = true,
            "skip_serializing_if" => {
                self.skipped = true;
                self.skipped_if_none = value() == "Option::is_none";
            }
            "flatten" => self.flattened = true,
            other => panic!("`{other}` of serde is not understood here yet"),
        }
    }
}

/// Whether serde writes it.
fn is_written(attributes: &[Attribute]) -> bool {
    let derives = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    derives
        .filter_map(|attribute| attribute.meta.require_list().ok())
        .any(|list| list.tokens.to_string().contains("Serialize"))
}

fn literal(value: &Expr) -> String {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => LitStr::value(text),
        _ => panic!("it is a text"),
    }
}

/// What the documentation says; lines as they stand.
fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).map(|attribute| {
        let line = literal(&attribute.meta.require_name_value().expect("it has a value").value);
        line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()
    });
    lines.collect::<Vec<String>>().join("\n")
}

/// As serde writes the name of a kind.
pub fn camel_variant(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// As serde writes the name of a field.
fn camel_field(name: &str) -> String {
    let mut words = name.strip_prefix("r#").unwrap_or(name).split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}
