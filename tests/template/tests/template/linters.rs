//! The linters, each of which sees what the others do not.

use crate::template::Template;
use crate::tools::{call, output_of, said};

/// Runs SAM's own transform, which finds properties that SAM does not know. From the root and without flags, as
/// people call it.
#[test]
fn sam_finds_the_template_valid() {
    let out = output_of("sam", &["validate"]);
    assert!(out.contains("is a valid SAM Template"), "{out}");
}

#[test]
fn cfn_lint_finds_nothing_in_the_source() {
    let out = call("cfn-lint", &["infra/template.yaml"]);
    assert!(out.status.success(), "{}", said(&out));
}

/// The only one that looks at the properties of the functions and event sources themselves.
#[test]
fn cfn_lint_finds_nothing_in_what_sam_makes_of_it() {
    let out = lint(Template::transformed());
    assert!(out.is_empty(), "{out}");
}

/// A version of a system that does not exist is seen only there.
#[test]
fn the_look_at_the_transformed_template_is_needed() {
    let mut template = Template::transformed().clone();
    template.0["Resources"]["SenderFunction"]["Properties"]["Runtime"] = "provided.al9".into();
    assert!(lint(&template).contains("E3030"));
}

/// What cfn-lint says of a template.
fn lint(template: &Template) -> String {
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    serde_json::to_writer(&file, &template.0).unwrap();
    // SAM has put the parameter's value where the parameter was (W2001: parameter not used).
    let ignored = ["--ignore-checks", "W2001", "--"];
    let out = call("cfn-lint", &[ignored.as_slice(), &[file.path().to_str().unwrap()]].concat());
    assert_eq!(out.status.success(), out.stdout.is_empty(), "{}", said(&out));
    said(&out)
}
