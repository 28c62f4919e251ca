//! The views over the journal's tables, from one text: in the file for whoever opens it with SQLite's own shell, and on
//! each read-only connection, where what this program shows can depend on no other.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};

const TEXT: &str = include_str!("views.sql");

pub(crate) const SELECT_VIEWS: &str = "SELECT name, sql FROM sqlite_schema WHERE type = 'view'";
pub(crate) const SELECT_NOTICE_ROWS: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'notice_rows')";

/// Each view's name, and its text from the name on, in an order in which none needs a later one.
fn views() -> impl Iterator<Item = (&'static str, &'static str)> {
    TEXT.split("\nCREATE VIEW ").skip(1).filter_map(|piece| {
        let (text, _) = piece.split_once(';')?;
        let (name, _) = text.split_once(' ')?;
        Some((name, text))
    })
}

/// Makes the file's views anew if one of them is not as it is here. Views under other names are left alone.
pub(crate) async fn renew(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let found: Vec<(String, String)> = sqlx::query_as(SELECT_VIEWS).fetch_all(&mut *conn).await?;
    let found: BTreeMap<String, String> = found.into_iter().collect();
    if views().all(|(name, text)| found.get(name).is_some_and(|sql| sql.strip_prefix("CREATE VIEW ") == Some(text))) {
        return Ok(());
    }
    let statements = views().map(|(name, text)| format!("DROP VIEW IF EXISTS {name}; CREATE VIEW {text};"));
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql(AssertSqlSafe(statements.collect::<String>())).execute(&mut *tx).await?;
    tx.commit().await
}

/// Lays the views over those in the file, which may be of another build or altered, for this connection alone.
pub(crate) async fn lay_over(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut statements: String = views().map(|(_, text)| format!("CREATE TEMP VIEW {text};")).collect();
    // Where an earlier build wrote, the table still has the name that its view has now.
    if !sqlx::query_scalar::<_, bool>(SELECT_NOTICE_ROWS).fetch_one(&mut *conn).await? {
        statements.push_str("CREATE TEMP VIEW notice_rows AS SELECT * FROM main.notices;");
    }
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_of_the_text_is_a_view_that_is_found() {
        let code: String = TEXT.lines().map(|line| line.split("--").next().unwrap_or("")).collect();
        assert_eq!(views().count(), code.matches(';').count());
        assert_eq!(views().count(), TEXT.matches("CREATE VIEW ").count());
        assert_eq!(views().next().map(|(name, _)| name), Some("runs"));
        assert_eq!(views().last().map(|(name, _)| name), Some("notices"));
    }
}
