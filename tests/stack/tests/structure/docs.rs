//! The words keep up with the code: each page, link, alarm and parameter that should be there is.
//!
//! The pages of `docs/errors` quote what operators see, in fences marked `text`; `…` stands for what differs from case
//! to case. What is between is looked for in the sources, so that a sentence that changes takes its page along.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fanmail_domain::{FailReason, RecipientState, SkipReason, StatusReason};

/// Shorter pieces of a sentence say nothing about where they come from.
const SHORTEST_PIECE: usize = 4;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below `folder` whose names end in `ending`.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn pages() -> Vec<PathBuf> {
    let pages = files(&root().join("docs/errors"), ".md");
    pages.into_iter().filter(|page| !page.ends_with("README.md")).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// Sources as they are said: without comments, strings in one piece, with one space where there is white.
fn sources() -> String {
    let mut all = String::new();
    for folder in ["functions", "shared", "infra"] {
        for file in files(&root().join(folder), ".rs") {
            let source = fs::read_to_string(file).unwrap();
            let said = source.lines().filter(|line| !line.trim_start().starts_with("//"));
            said.for_each(|line| all.extend([line, "\n"]));
        }
    }
    let mut joined = String::new();
    for piece in all.split("\\\n") {
        joined.push_str(if joined.is_empty() { piece } else { piece.trim_start() });
    }
    plain(&joined.replace("\\\"", "\"").replace("{{", "{").replace("}}", "}"))
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines in fences of a page that are marked `text`.
fn quoted(page: &str) -> Vec<&str> {
    let (mut lines, mut within) = (Vec::new(), false);
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(mark) => within = mark == "text",
            None if within => lines.push(line),
            None => {}
        }
    }
    lines
}

#[test]
fn every_reason_has_a_page() {
    let names: BTreeSet<String> = pages().iter().map(|page| stem(page)).collect();
    for reason in StatusReason::ALL {
        let page = format!("paused-{}", reason.name().replace('_', "-"));
        assert!(names.contains(&page), "docs/errors/{page}.md is missing");
    }
    for state in RecipientState::ALL {
        let page = match state {
            RecipientState::Failed(reason) => format!("failed-{}", FailReason::name(reason)),
            RecipientState::Skipped(_) => "skipped".to_owned(),
            RecipientState::InDoubt => "in-doubt".to_owned(),
            RecipientState::Pending
            | RecipientState::Preparing
            | RecipientState::Submitting
            | RecipientState::Accepted => continue,
        };
        assert!(names.contains(&page), "docs/errors/{page}.md is missing");
        if let RecipientState::Skipped(reason) = state {
            let row = format!("| `{}` |", SkipReason::name(reason));
            assert!(read("docs/errors/skipped.md").contains(&row), "no row {row}");
        }
    }
}

#[test]
fn every_page_is_in_the_index() {
    let index = read("docs/errors/README.md");
    for page in pages() {
        let link = format!("]({}.md)", stem(&page));
        assert!(index.contains(&link), "the index does not name {}", page.display());
    }
}

#[test]
fn what_the_pages_quote_is_what_the_code_says() {
    let (sources, mut unsaid) = (sources(), Vec::new());
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        for line in quoted(&page) {
            let pieces = line.split('…').map(plain).filter(|piece| piece.len() >= SHORTEST_PIECE);
            unsaid.extend(pieces.filter(|piece| !sources.contains(piece)).map(|piece| (stem(&path), piece)));
        }
    }
    assert_eq!(unsaid, []);
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let anchor =
        |heading: &str| heading.chars().filter(kept).collect::<String>().to_lowercase().replace(' ', "-");
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

/// Where the links of a page lead.
fn targets(page: &str) -> Vec<&str> {
    let ends = page.split("](").skip(1);
    let targets = ends.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    targets.filter(|target| !target.contains("://") && !target.contains(char::is_whitespace)).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut all = files(&root().join("docs"), ".md");
    all.extend(
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)),
    );
    let mut lost = Vec::new();
    for path in all {
        let page = fs::read_to_string(&path).unwrap();
        lost.extend(
            targets(&page).into_iter().filter(|to| !leads(&path, to)).map(|to| (stem(&path), to.to_owned())),
        );
    }
    assert_eq!(lost, []);
}

/// Whether there is such a file, beside the page at `from`, and such a heading in it.
fn leads(from: &Path, target: &str) -> bool {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let to = if file.is_empty() { from.to_owned() } else { from.parent().unwrap().join(file) };
    to.exists() && (anchor.is_empty() || anchors(&fs::read_to_string(&to).unwrap()).contains(anchor))
}

/// The logical ids in the template of what stands right above `kind`.
fn resources(template: &str, kind: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = template.lines().collect();
    let pairs = lines.windows(2).filter(|pair| pair[1].trim() == format!("Type: {kind}"));
    pairs.map(|pair| pair[0].trim().trim_end_matches(':').to_owned()).collect()
}

#[test]
fn every_alarm_has_its_section_and_no_section_lacks_its_alarm() {
    let (template, runbook) = (read("infra/template.yaml"), read("docs/runbook.md"));
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    assert!(alarms.len() > 10, "the template's alarms are not found: {alarms:?}");
    let headings = runbook.lines().filter_map(|line| line.strip_prefix("### "));
    let sections: BTreeSet<String> = headings.filter(|it| it.ends_with("Alarm")).map(str::to_owned).collect();
    assert_eq!(sections, alarms);
    let there = anchors(&runbook);
    let named = template.split("docs/runbook.md#").skip(1);
    for anchor in named.map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '-').next().unwrap()) {
        assert!(there.contains(anchor), "the template names docs/runbook.md#{anchor}");
    }
}

#[test]
fn every_parameter_and_variable_of_the_template_is_told() {
    let (template, told) = (read("infra/template.yaml"), read("docs/deploy.md"));
    let section = template.split("\nParameters:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = section.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<&str> = names.map(|line| line.trim().trim_end_matches(':')).collect();
    assert!(names.len() > 10, "the template's parameters are not found: {names:?}");
    let variables = template.lines().map(str::trim).filter(|line| line.starts_with("FANMAIL_"));
    let names = names.into_iter().chain(variables.filter_map(|line| line.split(':').next()));
    let untold: BTreeSet<&str> = names.filter(|name| !told.contains(&format!("`{name}`"))).collect();
    assert_eq!(untold, BTreeSet::new());
}
