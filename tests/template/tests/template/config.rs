//! samconfig.toml, and the profile that `sam build` builds with.

use serde_json::{Value, json};

use crate::tools::output_of;

/// A TOML file of the root as JSON.
fn toml(path: &str) -> Value {
    let read = "import json, sys, tomllib; json.dump(tomllib.load(open(sys.argv[1], 'rb')), sys.stdout)";
    serde_json::from_str(&output_of("python", &["-c", read, path])).unwrap()
}

fn environments() -> Vec<(&'static str, Value)> {
    let config = toml("samconfig.toml");
    ["default", "dev", "prod"].map(|name| (name, config[name].clone())).into()
}

#[test]
fn each_environment_is_a_stack_of_its_own_with_a_region() {
    let of = |key: &str| {
        environments()
            .iter()
            .map(|(_, config)| config["global"]["parameters"][key].clone())
            .collect::<Vec<_>>()
    };
    let names = of("stack_name");
    assert!(
        names.iter().all(Value::is_string)
            && names[0] != names[1]
            && names[1] != names[2]
            && names[0] != names[2]
    );
    assert!(of("region").iter().all(Value::is_string));
}

/// SAM takes what was built only where nothing names a template (`template_file` with `deploy` ships the source).
#[test]
fn what_is_built_is_deployed() {
    for (name, config) in environments() {
        for command in ["build", "validate"] {
            assert_eq!(config[command]["parameters"]["template_file"], "infra/template.yaml", "{name}");
        }
        for command in ["deploy", "global"] {
            assert_eq!(config[command]["parameters"]["template_file"], Value::Null, "{name}");
        }
    }
}

/// SAM's cache looks at a function's own folder and ships stale code after a change in shared/.
#[test]
fn nothing_stale_is_built() {
    for (name, config) in environments() {
        assert_eq!(config["build"]["parameters"]["cached"], json!(false), "{name}");
    }
}

#[test]
fn prod_is_deployed_gradually_and_asks_first() {
    let (_, prod) = environments().pop().unwrap();
    let deploy = &prod["deploy"]["parameters"];
    assert_eq!(deploy["confirm_changeset"], json!(true));
    let given = deploy["parameter_overrides"].as_str().unwrap();
    assert!(given.contains("Stage=prod") && given.contains("DeploymentType=Canary"), "{given}");
}

/// `sam build` says `--release` and cannot say anything else, so the profile `lambda` is repeated where cargo finds
/// it under that name in builds of functions.
#[test]
fn sam_builds_with_the_profile_lambda() {
    let mut lambda = toml("Cargo.toml")["profile"]["lambda"].clone();
    assert_eq!(lambda.as_object_mut().unwrap().remove("inherits"), Some(json!("release")));
    assert_eq!(toml("functions/.cargo/config.toml")["profile"]["release"], lambda);
    assert_eq!(toml("CargoLambda.toml"), json!({ "build": { "disable_optimizations": true } }));
}
