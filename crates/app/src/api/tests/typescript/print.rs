//! Types as TypeScript's text.

use super::source::{Declaration, Member, Shape};

/// `export type …`, with its explanation.
pub fn declaration(name: &str, declaration: &Declaration) -> String {
    let shape = shape(&declaration.shape, 0);
    let space = if shape.starts_with('\n') { "" } else { " " };
    format!("{}export type {name} ={space}{shape};\n", comment(&declaration.doc, 0))
}

fn spaces(indent: usize) -> String {
    " ".repeat(indent)
}

fn comment(doc: &str, indent: usize) -> String {
    assert!(!doc.contains("*/"), "an explanation does not end a comment: {doc}");
    let indent = spaces(indent);
    match doc.lines().count() {
        0 => String::new(),
        1 => format!("{indent}/** {doc} */\n"),
        _ => {
            let lines: String =
                doc.lines().map(|line| format!("{indent} * {line}\n").replace(" * \n", " *\n")).collect();
            format!("{indent}/**\n{lines}{indent} */\n")
        }
    }
}

/// A type, for a place that is indented so far.
fn shape(what: &Shape, indent: usize) -> String {
    match what {
        Shape::Named(name) => name.clone(),
        Shape::Exactly(text) => format!("'{text}'"),
        Shape::Nullable(inner) => format!("{} | null", shape(inner, indent)),
        Shape::List(inner) => match inner.as_ref() {
            Shape::Nullable(_) => format!("({})[]", shape(inner, indent)),
            _ => format!("{}[]", shape(inner, indent)),
        },
        Shape::Object(members, all_of) => {
            let fields: String = members.iter().map(|field| member(field, indent + 2)).collect();
            let rest: String = all_of.iter().map(|all| format!(" & {}", shape(all, indent))).collect();
            format!("{{\n{fields}{}}}{rest}", spaces(indent))
        }
        Shape::OneOf(shapes) => {
            let bar = indent + 2;
            let one = |(doc, one): &(String, Shape)| {
                let shown = shape(one, bar + 2);
                let shown = if shown.contains("} & ") { format!("({shown})") } else { shown };
                format!("\n{}{}| {shown}", comment(doc, bar), spaces(bar))
            };
            shapes.iter().map(one).collect()
        }
    }
}

fn member(field: &Member, indent: usize) -> String {
    let mark = if field.optional { "?" } else { "" };
    format!(
        "{}{}{}{mark}: {};\n",
        comment(&field.doc, indent),
        spaces(indent),
        field.name,
        shape(&field.shape, indent)
    )
}
