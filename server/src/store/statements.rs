//! Checks every statement of the server against the grammar that PostgreSQL shares with SQLite.
//!
//! Only `sql!` of literals makes a statement, so this test finds all of them in the source. It parses each in PostgreSQL's
//! grammar, refuses features that PostgreSQL lacks, and prepares each on SQLite.

use std::{collections::BTreeMap, ops::ControlFlow, path::Path};

use proc_macro2::{TokenStream, TokenTree};
use rusqlite::{StatementStatus, config::DbConfig, types::Value};
use sqlparser::{
    ast::{Expr, FunctionArguments, Insert, OnConflict, OnConflictAction, OnInsert, SelectItem, Statement, Visit, Visitor},
    dialect::PostgreSqlDialect,
    parser::Parser,
};
use syn::LitStr;

use super::{db::Store, tx::Sql};

/// Functions of both engines, with the numbers of arguments for which they mean the same.
const FUNCTIONS: &[(&str, std::ops::RangeInclusive<usize>)] =
    &[("count", 1..=1), ("coalesce", 2..=9), ("length", 1..=1), ("lower", 1..=1), ("max", 1..=1), ("min", 1..=1), ("sum", 1..=1)];

/// All Rust files of a folder with their paths.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The expansions of macros like `receipt_columns!()`.
type Columns = BTreeMap<String, String>;

/// Finds `macro_rules! NAME { () => { "literal" } }`.
fn columns(tokens: TokenStream, found: &mut Columns) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for at in 0..tokens.len() {
        let TokenTree::Group(group) = &tokens[at] else { continue };
        let named = at.checked_sub(3).and_then(|from| tokens.get(from..at));
        match named {
            Some([TokenTree::Ident(rules), TokenTree::Punct(bang), TokenTree::Ident(name)])
                if rules == "macro_rules" && bang.as_char() == '!' && name.to_string().ends_with("_columns") =>
            {
                let groups = group.stream().into_iter().filter_map(|token| match token {
                    TokenTree::Group(group) => Some(group),
                    _ => None,
                });
                let body = groups.last().unwrap_or_else(|| panic!("{name} has no body"));
                found.insert(name.to_string(), text(&name.to_string(), body.stream(), found));
            }
            _ => columns(group.stream(), found),
        }
    }
}

/// The concatenated text of literals and of columns.
fn text(place: &str, tokens: TokenStream, columns: &Columns) -> String {
    let mut text = String::new();
    let mut name = String::new();
    for token in tokens {
        match token {
            TokenTree::Literal(_) => text += &syn::parse2::<LitStr>(token.into()).unwrap().value(),
            TokenTree::Ident(ident) => name = ident.to_string(),
            TokenTree::Group(group) if !group.stream().is_empty() => text += &self::text(place, group.stream(), columns),
            TokenTree::Group(_) => text += columns.get(&name).unwrap_or_else(|| panic!("{place}: {name}!() names no columns")),
            TokenTree::Punct(_) => {}
        }
    }
    text
}

/// Finds `sql!(..)` outside of tests, some of which break a database or an engine on purpose.
fn statements(place: &str, tokens: TokenStream, columns: &Columns, found: &mut Vec<(String, String)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for at in 0..tokens.len() {
        let TokenTree::Group(group) = &tokens[at] else { continue };
        let is_sql = matches!(
            at.checked_sub(2).and_then(|from| tokens.get(from..at)),
            Some([TokenTree::Ident(name), TokenTree::Punct(bang)]) if name == "sql" && bang.as_char() == '!'
        );
        let is_test = matches!(
            at.checked_sub(2).and_then(|from| tokens.get(from..at)),
            Some([TokenTree::Ident(module), TokenTree::Ident(name)]) if module == "mod" && name == "tests"
        );
        if is_test {
            continue;
        }
        if is_sql {
            found.push((place.to_owned(), text(place, group.stream(), columns)));
        } else {
            statements(place, group.stream(), columns, found);
        }
    }
}

fn all() -> Vec<(String, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut ours, mut shared) = (Vec::new(), Vec::new());
    sources(&here.join("src/store"), &mut ours);
    sources(&here.join("../core/sql/src"), &mut shared);
    let mut named = Columns::new();
    for (_, source) in shared.iter().chain(&ours) {
        columns(source.parse().unwrap(), &mut named);
    }
    let mut found = Vec::new();
    for (path, source) in ours.iter().filter(|(path, _)| !path.ends_with("statements.rs") && !path.ends_with("tx.rs")) {
        statements(path, source.parse().unwrap(), &named, &mut found);
    }
    found
}

/// The fault of a statement on PostgreSQL; `None` if it has none.
fn fault(statement: &str) -> Option<String> {
    let dollars = statement.replace('?', "$");
    let parsed = match Parser::parse_sql(&PostgreSqlDialect {}, &dollars) {
        Ok(parsed) => parsed,
        Err(error) => return Some(error.to_string()),
    };
    let [one] = parsed.as_slice() else { return Some(format!("{} statements", parsed.len())) };
    match one.visit(&mut Lint) {
        ControlFlow::Continue(()) => None,
        ControlFlow::Break(fault) => Some(fault),
    }
}

struct Bare;

impl Visitor for Bare {
    type Break = String;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        match expr {
            Expr::Identifier(name) => ControlFlow::Break(format!("the column {name} without its table in DO UPDATE")),
            _ => ControlFlow::Continue(()),
        }
    }
}

struct Lint;

impl Visitor for Lint {
    type Break = String;

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<String> {
        let Statement::Insert(Insert { or, replace_into, on, .. }) = statement else { return ControlFlow::Continue(()) };
        if or.is_some() || *replace_into {
            return ControlFlow::Break("INSERT OR".into());
        }
        match on {
            // A bare column means the row's on SQLite, and is ambiguous on PostgreSQL.
            Some(OnInsert::OnConflict(OnConflict { conflict_target: Some(_), action: OnConflictAction::DoUpdate(update) })) => {
                update.assignments.iter().try_for_each(|set| set.value.visit(&mut Bare))
            }
            Some(OnInsert::OnConflict(conflict)) if conflict.conflict_target.is_none() => {
                let deed = match conflict.action {
                    OnConflictAction::DoNothing => "NOTHING",
                    OnConflictAction::DoUpdate(_) => "UPDATE",
                };
                ControlFlow::Break(format!("ON CONFLICT DO {deed} without a target"))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &sqlparser::ast::Select) -> ControlFlow<String> {
        for item in &select.projection {
            match item {
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => return ControlFlow::Break("SELECT *".into()),
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } if is_boolean(expr) => {
                    return ControlFlow::Break(format!("a boolean column: {expr}"));
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let name = function.name.to_string().to_lowercase();
        let arguments = match &function.args {
            FunctionArguments::List(list) => list.args.len(),
            _ => 0,
        };
        match FUNCTIONS.iter().find(|(known, _)| *known == name) {
            Some((_, wanted)) if wanted.contains(&arguments) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(format!("function {name} with {arguments} arguments")),
        }
    }
}

/// Whether an expression is a truth value. PostgreSQL has a type for it, SQLite uses numbers.
fn is_boolean(expr: &Expr) -> bool {
    use sqlparser::ast::BinaryOperator::{And, Eq, Gt, GtEq, Lt, LtEq, NotEq, Or};
    match expr {
        Expr::Nested(inner) => is_boolean(inner),
        Expr::BinaryOp { op, .. } => matches!(op, And | Or | Eq | NotEq | Gt | GtEq | Lt | LtEq),
        Expr::Exists { .. } | Expr::IsNull(_) | Expr::IsNotNull(_) | Expr::In { .. } | Expr::Between { .. } => true,
        _ => false,
    }
}

#[test]
fn each_statement_parses_in_the_grammar_of_postgresql_and_is_prepared_by_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::open::open(folder.path()).unwrap();
    let all = all();
    let faults: Vec<String> = all
        .iter()
        .filter_map(|(place, statement)| {
            let prepared = |store: &Store| store.sqlite().prepare(statement).err().map(|error| error.to_string());
            let fault = fault(statement).or_else(|| prepared(&store))?;
            Some(format!("{place}: {fault}\n  {statement}"))
        })
        .collect();
    println!("{} statements", all.len());
    assert!(all.len() > 20, "the statements are not where they are looked for");
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), all.len(), faults.join("\n"));
}

/// The statements that the engine prepares anew when other values are bound to them.
fn prepared_anew(engine: &rusqlite::Connection, statements: &[(String, String)]) -> Vec<String> {
    let values = [Value::Null, Value::Integer(1), Value::Integer(1 << 50), Value::Text("a%".into()), Value::Blob(vec![7; 16])];
    let mut anew = vec![];
    for (place, statement) in statements {
        engine.execute_batch("BEGIN").unwrap();
        let mut prepared = engine.prepare(statement).unwrap();
        for value in &values {
            for at in 1..=prepared.parameter_count() {
                prepared.raw_bind_parameter(at, value).unwrap();
            }
            // Values of the wrong kind are refused only after the statement has begun.
            let mut rows = prepared.raw_query();
            while let Ok(Some(_)) = rows.next() {}
        }
        if prepared.get_status(StatementStatus::RePrepare) > 0 {
            anew.push(format!("{place}:\n  {statement}"));
        }
        drop(prepared);
        engine.execute_batch("ROLLBACK").unwrap();
    }
    anew
}

#[test]
fn no_statement_is_prepared_anew_because_other_values_are_bound() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::open::open(folder.path()).unwrap();
    let all = all();
    let anew = prepared_anew(store.sqlite(), &all);
    assert!(anew.is_empty(), "{} statements:\n{}", anew.len(), anew.join("\n"));
    store.sqlite().set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, false).unwrap();
    assert!(!prepared_anew(store.sqlite(), &all).is_empty(), "without that setting the engine does it, and this test sees it");
}

#[test]
fn what_only_sqlite_understands_is_refused() {
    let refused = [
        "INSERT OR IGNORE INTO meta (key, value) VALUES (?1, ?2)",
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
        "SELECT number FROM envelope INDEXED BY envelope_numbers WHERE install = ?1",
        "INSERT INTO scope (scope, head) VALUES (?1, 1) ON CONFLICT (scope) DO UPDATE SET head = head + 1",
        "UPDATE contact SET first_ms = min(first_ms, ?2) WHERE device = ?1",
        "SELECT iif(a, b, c) FROM meta",
        "SELECT EXISTS (SELECT 1 FROM pack)",
        "SELECT * FROM meta",
        "SELECT 1; SELECT 2",
    ];
    for statement in refused {
        assert!(fault(statement).is_some(), "{statement}");
    }
    assert_eq!(fault("SELECT max(a), min(b) FROM meta WHERE key = ?1"), None);
}

#[test]
fn a_statement_is_made_by_the_macro_only() {
    let mut sources = Vec::new();
    self::sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    let made = |source: &str| source.matches("Sql::of(").count();
    let by_hand: Vec<&String> = sources
        .iter()
        .filter(|(path, source)| made(source) > 0 && !path.ends_with("store/tx.rs") && !path.ends_with("statements.rs"))
        .map(|(path, _)| path)
        .collect();
    assert!(by_hand.is_empty(), "{by_hand:?}");
    let _: Sql = super::tx::sql!("SELECT 1");
}
