//! Character references of HTML, as far as mail uses them: numbers, Latin-1 and the marks of typesetting.

/// Names of U+00A0 to U+00FF in their order (HTML 4.01, 24.2.1).
const LATIN1: [&str; 96] = [
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf", "laquo",
    "not", "shy", "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro", "para", "middot",
    "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc",
    "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute",
    "Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute", "Ocirc", "Otilde", "Ouml", "times", "Oslash",
    "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute", "THORN", "szlig", "agrave", "aacute", "acirc", "atilde",
    "auml", "aring", "aelig", "ccedil", "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc",
    "iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash", "ugrave",
    "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
];

/// HTML 4.01, 24.3.1 and 24.4.1; `apos` is of XHTML.
const OTHERS: [(&str, char); 34] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("dagger", '†'),
    ("bull", '•'),
    ("hellip", '…'),
    ("permil", '‰'),
    ("prime", '′'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("euro", '€'),
    ("trade", '™'),
    ("larr", '←'),
    ("rarr", '→'),
    ("check", '✓'),
];

/// The longest reference that is looked at, without `&` and `;`.
const MAX_LEN: usize = 8;

/// The characters of `text`, references decoded. What is no known reference stays as it is.
pub(crate) fn decode(text: &str) -> impl Iterator<Item = char> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (found, len) =
            if first == '&' { reference(rest).unwrap_or(('&', 1)) } else { (first, first.len_utf8()) };
        rest = &rest[len..];
        Some(found)
    })
}

fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(MAX_LEN + 2).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    Some((named(name).or_else(|| numbered(name))?, end + 1))
}

fn named(name: &str) -> Option<char> {
    let latin1 =
        (0xa0_u8..=0xff).zip(LATIN1).find(|(_, known)| *known == name).map(|(code, _)| char::from(code));
    latin1.or_else(|| OTHERS.iter().find(|(known, _)| *known == name).map(|(_, character)| *character))
}

fn numbered(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    char::from_u32(code.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_decoded_and_what_is_none_stays() {
        let text = "&lt;a&nbsp;b&gt; &yuml;&AElig;&aelig;&divide; &#8364;&#x20AC; &unknown; & &; &#xd800; AT&T &hellip";
        let decoded: String = decode(text).collect();
        assert_eq!(decoded, "<a\u{a0}b> ÿÆæ÷ €€ &unknown; & &; &#xd800; AT&T &hellip");
    }
}
