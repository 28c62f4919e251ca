//! The views over the journal's tables, from one text: in the file for whoever opens it with SQLite's own shell, and on
//! each read-only connection, where what this program shows can depend on no other.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};

const TEXT: &str = include_str!("views.sql");

pub(crate) const SELECT_VIEWS: &str = "SELECT name, sql FROM sqlite_schema WHERE type = 'view'";
pub(crate) const SELECT_NOTICE_ROWS: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'notice_rows')";

/// The views of earlier builds, by the digests of their texts: a journal that one of those wrote still has them.
const EARLIER: [&str; 17] = [
    "b6bee9444ab8d6ac",
    "46c301eba4ab4418",
    "b2370c479e917277",
    "68a64f2b78e24cad",
    "2b628616302b6ff6",
    "841c62de794fceb3",
    "5f37b6f83f93922a",
    "902b7b350b739868",
    "949a714985ccd693",
    "e811a5c475be10d3",
    "8690ca7aa559e955",
    "8907915eeff971fa",
    "455a13f8fc6e3ca3",
    "df3a97d2c9b69f07",
    "3fcfc4a0328bbf6b",
    "a57f37b3869906ae",
    "9ed71154156e76f3",
];

/// A short digest of a view's text, from its name on.
fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The names of the file's views that are not as this build or an earlier one made them, and how many there are. A view
/// of the user's own, under a name of its own, is none.
pub(crate) async fn altered_views(conn: &mut SqliteConnection) -> Result<(u64, Vec<String>), sqlx::Error> {
    let found: Vec<(String, String)> = sqlx::query_as(SELECT_VIEWS).fetch_all(&mut *conn).await?;
    let ours: Vec<(String, String)> =
        found.into_iter().filter(|(name, _)| views().any(|(ours, _)| ours == name)).collect();
    let count = u64::try_from(ours.len()).unwrap_or(u64::MAX);
    let is_altered = |(name, sql): &(String, String)| {
        let text = sql.strip_prefix("CREATE VIEW ").unwrap_or(sql);
        let is_as_here = views().any(|ours| ours == (name.as_str(), text));
        !is_as_here && !EARLIER.contains(&digest(text).as_str())
    };
    Ok((count, ours.into_iter().filter(is_altered).map(|(name, _)| name).collect()))
}

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

    /// Fails when a view is changed: then its digest goes from here to `EARLIER`, and the new one comes here.
    #[test]
    fn the_views_of_earlier_builds_stay_known() {
        let now: Vec<String> = views().map(|(_, text)| digest(text)).collect();
        let released = [
            "0ba0fb41f687118e",
            "8fb97699110a49ef",
            "40f9cc065536bd93",
            "1bf80b6e068f4c16",
            "a7f7abebf1f12238",
            "ccd9601a8bd92095",
            "5c9c17bcb4e0336b",
            "14c598b77765d996",
            "f50cb037babf8b1a",
            "1f47ffdba96648a2",
            "ba3696bbecab0b46",
            "8924ba726c4a2b0c",
            "74239275cfd6bb7e",
            "78ef1cc17e124068",
            "075087b955d8e8c7",
        ];
        assert_eq!(now, released);
        assert!(released.iter().all(|digest| !EARLIER.contains(digest)));
    }
}
