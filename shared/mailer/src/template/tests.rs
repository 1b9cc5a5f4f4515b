//! What fails for everybody, what for one, and what leaves the templates.

mod contexts;
mod two_ways;

use std::collections::BTreeMap;

use fanmail_domain::{
    BatchId, CampaignId, Content, EmailAddress, Extras, LaneNo, Subscriber, SubscriberId, SubscriberStatus,
    Timestamp,
};
use fanmail_engine::ports::Recipient;

use super::*;

pub(crate) fn subscriber(email: &str, name: &str, attribs: &str) -> Subscriber {
    let email = EmailAddress::parse(email).unwrap();
    Subscriber {
        id: SubscriberId::derive(&email, 0),
        email,
        name: name.into(),
        attribs: attribs.into(),
        status: SubscriberStatus::Enabled,
        lists: BTreeMap::new(),
        rev: 0,
        created_at: Timestamp(0),
    }
}

pub(crate) fn content(subject: &str, html: &str) -> Content {
    Content {
        campaign: CampaignId(12),
        version: 1,
        campaign_name: "June <news>".into(),
        subject: subject.into(),
        from: "Acme News <news@acme.example>".into(),
        html: html.into(),
        text: None,
        extras: Extras::default(),
    }
}

pub(crate) fn to(subscriber: &Subscriber) -> Recipient<'_> {
    let batch = BatchId { campaign: CampaignId(12), lane: LaneNo(3), seq: 4 };
    Recipient { subscriber, batch, position: 5 }
}

const URL: &str = "https://mail.acme.example/unsubscribe/12/1/00";

fn rendered(content: &Content, subscriber: &Subscriber) -> Result<Texts, RenderError> {
    Compiled::new(content).unwrap().render(to(subscriber), URL)
}

fn problem(subject: &str, html: &str) -> String {
    validate(&content(subject, html)).unwrap_err().to_string()
}

#[test]
fn every_variable_has_its_value() {
    let ann =
        subscriber("ann@example.org", "Ann van der Lee", r#"{"city": "Ghent", "tags": ["a", "b"], "n": 3}"#);
    let html = "{{ subscriber.id }} {{ subscriber.email }} {{ subscriber.name }}|{{ subscriber.first_name }}|\
                {{ subscriber.last_name }}|{{ subscriber.attribs.city }} {{ subscriber['attribs'].tags | join('+') }} \
                {{ subscriber.attribs.n + 1 }} {{ campaign.id }} {{ campaign.subject }} {{ unsubscribe_url }}";
    let texts =
        rendered(&content("Hi {{ subscriber.first_name }} of {{ campaign.name }}", html), &ann).unwrap();
    assert_eq!(texts.subject, "Hi Ann of June <news>");
    assert_eq!(
        texts.html,
        format!(
            "{} ann@example.org Ann van der Lee|Ann|van der Lee|Ghent a+b 4 12 Hi Ann of June &lt;news&gt; {URL}",
            ann.id
        )
    );
    assert!(texts.text.ends_with(&format!("4 12 Hi Ann of June <news> {URL}")), "{}", texts.text);
}

#[test]
fn hostile_names_are_escaped_in_html_and_nowhere_else() {
    let eve = subscriber("eve@example.org", "<script>alert('x')</script> & \"Eve\" {{ campaign.id }}", "{}");
    let texts = rendered(&content("{{ subscriber.name }}", "<p>{{ subscriber.name }}</p>"), &eve).unwrap();
    assert_eq!(texts.subject, eve.name);
    assert_eq!(texts.text, eve.name);
    assert_eq!(
        texts.html,
        "<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;Eve&quot; {{ campaign.id }}</p>"
    );
}

#[test]
fn a_missing_attribute_fails_one_recipient_and_is_named() {
    let html = "<p>Hello</p>\n{% set a = subscriber.attribs %}<p>{{ a.city }}, {{ subscriber.attribs.plan.name }}</p>";
    let content = content("Hi", html);
    validate(&content).unwrap();
    let text = |attribs| {
        rendered(&content, &subscriber("ann@example.org", "Ann", attribs)).err().map(|err| err.text)
    };
    assert_eq!(text(r#"{"city": "Ghent", "plan": {"name": "team"}}"#), None);
    assert_eq!(
        text(r#"{"plan": {"name": "team"}}"#),
        Some("HTML part, line 2: undefined value in `a.city`".into())
    );
    assert_eq!(
        text(r#"{"city": "Ghent", "plan": {}}"#),
        Some("HTML part, line 2: undefined value in `subscriber.attribs.plan.name`".into())
    );
    assert_eq!(
        text(r#"{"city": "Ghent"}"#),
        Some("HTML part, line 2: undefined value in `subscriber.attribs.plan.name`".into())
    );
    assert_eq!(text("[1]"), Some("the subscriber's attributes are no JSON object".into()));
    assert_eq!(text("{"), Some("the subscriber's attributes are no JSON object".into()));
}

#[test]
fn attributes_are_found_by_another_name_too() {
    let ann = subscriber("ann@example.org", "Ann", r#"{"city": "Ghent"}"#);
    for html in ["{% set s = subscriber %}{{ s.attribs.city }}", "{{ subscriber['attribs']['city'] }}"] {
        assert_eq!(rendered(&content("Hi", html), &ann).unwrap().html, "Ghent");
    }
}

#[test]
fn attributes_nobody_asks_for_do_no_harm() {
    assert!(rendered(&content("Hi", "<p>x</p>"), &subscriber("ann@example.org", "Ann", "{")).is_ok());
}

#[test]
fn three_of_many_fail_and_the_others_do_not() {
    let compiled = Compiled::new(&content("Hi", "<p>{{ subscriber.attribs.city }}</p>")).unwrap();
    let attribs = |n: i32| if n % 7 == 3 { "{}" } else { r#"{"city": "Ghent"}"# };
    let failed: Vec<_> = (0..20)
        .filter(|n| {
            let subscriber = subscriber(&format!("s{n}@example.org"), "", attribs(*n));
            compiled.render(to(&subscriber), URL).is_err()
        })
        .collect();
    assert_eq!(failed, [3, 10, 17]);
}

#[test]
fn errors_repeat_the_template_and_never_the_data() {
    let cases = [
        "{{ subscriber.name + 1 }}",
        "{{ subscriber.attribs.secret - 'x' }}",
        "{{ subscriber.attribs.secret | int }}",
        "{{ 1 // subscriber.attribs.zero }}",
        "{{ subscriber.attribs.big ** 5 }}",
        "{% for x in subscriber.attribs.big %}{% endfor %}",
        "{{ subscriber.attribs.secret.foo() }}",
        "{{ subscriber.attribs['secret' ~ 1] }}",
        "{{ subscriber.attribs.secret | replace(1, 2, 3, 4) }}",
        "{{ dict(subscriber.attribs.secret) }}",
    ];
    let big = "9223372036854775807";
    let attribs = format!(r#"{{"secret": "geheim", "zero": 0, "big": {big}}}"#);
    let subscriber = subscriber("geheim@example.org", "geheim", &attribs);
    for html in cases {
        let Err(RenderError { text }) = rendered(&content("Hi", html), &subscriber) else {
            panic!("{html} renders")
        };
        assert!(text.starts_with("HTML part, line 1: ") && text.contains(" in `"), "{html}: {text}");
        assert!(!text.contains("geheim") && !text.contains("922337"), "{html}: {text}");
    }
}

#[test]
fn a_mistake_in_the_syntax_is_found_with_its_line() {
    let text = problem("Hi", "<p>\n{% if subscriber.name %}\n{{ subscriber. }}");
    assert!(text.starts_with("HTML part, line 3: unexpected"), "{text}");
    assert!(problem("{{ a", "").starts_with("subject, line 1: "), "{}", problem("{{ a", ""));
    assert!(problem("", "{% if true %}").starts_with("HTML part, line 1: "));
    assert!(problem("", "{% include 'x' %}").starts_with("HTML part, line 1: unknown statement include"));
}

#[test]
fn names_that_nobody_knows_are_found_when_the_campaign_is_made() {
    for (html, name) in [
        ("{{ nme }}", "nme"),
        ("{% if false %}{{ user.name }}{% endif %}", "user.name"),
        ("{{ subscriber.nmae }}", "subscriber.nmae"),
        ("{{ subscriber.name.upper() }}", "subscriber.name.upper"),
        ("{{ campaign.from }}", "campaign.from"),
        ("{{ unsubscribe_url.x }}", "unsubscribe_url.x"),
        ("{{ foo(1) }}", "foo"),
    ] {
        let text = problem("Hi", html);
        assert!(
            text.starts_with(&format!("HTML part: there is no variable {name}; there are subscriber.id")),
            "{text}"
        );
    }
    assert!(
        problem("{{ campaign.subject }}", "").starts_with("subject: there is no variable campaign.subject;")
    );
    assert_eq!(
        problem("", "{% if false %}{{ 'a | b' | uper }}{% endif %}"),
        "HTML part: there is no filter uper"
    );
    assert_eq!(problem("", "{%- filter uper %}{% endfilter %}"), "HTML part: there is no filter uper");
    assert_eq!(problem("", "{% if campaign.id is not od %}{% endif %}"), "HTML part: there is no test od");
}

#[test]
fn names_that_the_engine_knows_pass() {
    let html = "{% for i in range(3) %}{{ loop.index }}{% endfor %}{{ subscriber.attribs.x.y | default('z') | upper }}\
                {% filter lower %}A{% endfilter %}{% set n = namespace(a=1) %}{{ n.a }}\
                {% if subscriber.attribs.a is defined and campaign.id is not odd %}{% endif %}{% raw %}{{ x | y }}{% endraw %}";
    assert_eq!(validate(&content("Hi", html)), Ok(()));
}

#[test]
fn a_from_header_that_is_none_fails_the_campaign() {
    let content = Content { from: "Acme <news>".into(), ..content("Hi", "") };
    assert_eq!(validate(&content).unwrap_err().to_string(), "From header: the address needs exactly one @");
}

#[test]
fn a_text_part_of_its_own_is_used_as_it_is() {
    let content = Content { text: Some("Hi {{ subscriber.name }} <b>".into()), ..content("Hi", "<p>x</p>") };
    let texts = rendered(&content, &subscriber("ann@example.org", "A & B", "{}")).unwrap();
    assert_eq!(texts.text, "Hi A & B <b>");
    let content = Content { text: Some("{{ nme }}".into()), ..content };
    assert!(validate(&content).unwrap_err().to_string().starts_with("text part: there is no variable nme"));
}

#[test]
fn a_template_that_never_ends_or_grows_too_large_is_stopped() {
    let ann = subscriber("ann@example.org", "Ann", "{}");
    let steps = "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}";
    let err = rendered(&content("Hi", steps), &ann).err().unwrap();
    assert!(err.text.starts_with("HTML part, line 1: the template takes too many steps"), "{}", err.text);
    let large = format!("{{% for a in range(1000) %}}{}{{% endfor %}}", "x".repeat(2000));
    let err = rendered(&content("Hi", &large), &ann).err().unwrap();
    assert!(
        err.text.starts_with("HTML part, line 1: the result is longer than 1048576 bytes"),
        "{}",
        err.text
    );
}

#[test]
fn a_version_is_compiled_once_and_the_latest_are_kept() {
    let cache = Cache::default();
    let version = |version| Content { version, ..content("Hi", "<p>x</p>") };
    for _ in 0..10 {
        assert!(cache.get(&version(1)).is_ok());
        assert!(cache.get(&Content { from: "x".into(), ..version(2) }).is_err());
    }
    assert_eq!(cache.compilations(), 2);
    (3..17).for_each(|n| drop(cache.get(&version(n))));
    assert_eq!(cache.compilations(), 16, "as many as there is room for");
    assert!(cache.get(&version(1)).is_ok(), "the first was not used last, and still is there");
    assert_eq!(cache.compilations(), 16);
    (20..36).for_each(|n| drop(cache.get(&version(n))));
    assert!(cache.get(&version(1)).is_ok());
    assert_eq!(cache.compilations(), 33, "it was dropped for newer ones");
}

#[test]
fn the_words_of_one_campaign_never_stand_for_another() {
    let cache = Cache::default();
    let ann = subscriber("ann@example.org", "Ann", "{}");
    for words in ["one", "two"] {
        let compiled = cache.get(&content("Hi", words)).unwrap();
        assert_eq!(compiled.render(to(&ann), URL).unwrap().html, words);
    }
}
