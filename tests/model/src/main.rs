//! t
use fanmail_model::*;
fn main() {
    let f = |i: usize| std::env::args().nth(i).map_or(0, |t| t.parse().unwrap());
    let scope = scope::Scope {
        lanes: f(1), batches: f(2) as usize, recipients: f(3) as usize, window: f(4) as usize, fan_outs: f(5) as usize,
        faults: scope::Faults { crashes: f(6), freezes: f(7), duplicates: f(8), losses: f(9), pauses: f(10), answers: f(11), timeouts: f(12) },
        grain: if f(13) == 1 { scope::Grain::Coarse } else { scope::Grain::Fine }, ..scope::Scope::SMALLEST };
    let t = std::time::Instant::now();
    let report = search::search(&model::Model { scope, rules: scope::Rules::ALL }, search::Limits { states: Some(6_000_000), ..Default::default() });
    println!("{} {} {} {} {} {:?}", report.states, report.steps, report.depth, report.ends, report.complete, t.elapsed());
    for (a, b) in report.sightings.iter() { println!("{b:10} {a}"); }
    for v in report.violations { println!("{}\n  {}", v.property, v.trace.join("\n  ")); }
}
