use super::*;

fn shown(entries: &[BookEntry]) -> Vec<(&str, Vec<&str>)> {
    entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry.addresses.iter().map(String::as_str).collect()))
        .collect()
}

#[test]
fn cards_of_all_versions() {
    let text = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Anna Example\r\nitem1.EMAIL;TYPE=home:Anna@Example.org\r\n\
                TEL;VALUE=uri;TYPE=\"voice,home\":tel:+49-170-1234567;ext=5\r\nEND:VCARD\r\n\
                BEGIN:VCARD\nVERSION:3.0\nN:Beispiel;Ben;;;\nFN:\nTEL;TYPE=CELL:0170 / 123 45 68\n\
                NOTE:mail me: not@this.one\nEMAIL:ben@exam\n ple.org\nEND:VCARD\n\
                BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen=\n=20K\n\
                TEL;CELL:001 415 555 0100\nEND:VCARD\n\
                BEGIN:VCARD\nORG:Example\\, Inc.;Sales\nEMAIL:mailto:office@example.org\nEND:VCARD\n";
    let expected = [
        ("Anna Example", vec!["Anna@Example.org", "+491701234567"]),
        ("Ben Beispiel", vec!["+491701234568", "ben@example.org"]),
        ("J\u{fc}rgen K", vec!["+14155550100"]),
        ("Example, Inc. Sales", vec!["office@example.org"]),
    ];
    assert_eq!(shown(&entries(text, Some("49"))), expected);
    // Without a country code a national number is nobody's.
    assert_eq!(entries(text, None)[1].addresses, ["ben@example.org"]);
}

#[test]
fn tables_of_several_kinds() {
    let google = "First Name,Middle Name,Last Name,E-mail 1 - Value,Phone 1 - Value,Website\n\
                  Anna,,Example,anna@example.org ::: anna@example.com,+49 170 1234567,https://example.org\n\
                  \"Ben, the\",,Best,,0170 123,\n";
    let expected = [
        ("Anna Example", vec!["anna@example.org", "anna@example.com", "+491701234567"]),
        ("Ben, the Best", vec!["+49170123"]),
    ];
    assert_eq!(shown(&entries(google, Some("49"))), expected);
    let plain = "Name;Mail;Mobil;Geburtstag\nAnna;anna@example.org;0170 1234567;01.02.1990\n";
    assert_eq!(shown(&entries(plain, None)), [("Anna", vec!["anna@example.org"])]);
    assert_eq!(
        shown(&entries(plain, Some("49"))),
        [("Anna", vec!["anna@example.org", "+491701234567"])],
        "a birthday is no number"
    );
}

#[test]
fn whatever_there_is_something_comes_out() {
    let card = "BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:=C3=\nTEL:\u{fc}\nEMAIL:\nX\n:\n;:\nEND:VCARD\n";
    let mut texts = vec![String::new(), "\n".into(), "=".repeat(100), card.into(), ",;\t\n\"".into()];
    for at in 0..card.len() {
        let mut bytes = card.as_bytes().to_vec();
        bytes[at] = bytes[at].wrapping_add(13);
        texts.push(String::from_utf8_lossy(&bytes).into_owned());
        texts.push(String::from_utf8_lossy(&card.as_bytes()[..at]).into_owned());
    }
    for text in &texts {
        for code in [None, Some("49")] {
            entries(text, code);
        }
    }
    // As long as the longest book: no more than its share of time.
    let long = format!("BEGIN:VCARD\nFN:{}\nEND:VCARD\n", " \n x".repeat(100_000));
    assert_eq!(entries(&long, None).len(), 1);
    let soft = format!("BEGIN:VCARD\nFN;QUOTED-PRINTABLE:{}\nEND:VCARD\n", "=\n".repeat(2_000));
    entries(&soft, None);
}
