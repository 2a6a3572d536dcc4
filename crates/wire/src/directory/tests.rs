use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn blinded(texts: &[&str], seed: u64) -> Vec<Blinded> {
    let mut rng = rng(seed);
    texts.iter().map(|text| Blinded::new(address(text), &mut rng).unwrap()).collect()
}

fn ask(key: &DirectoryKey, blinded: &[Blinded]) -> Evaluated {
    let elements: Vec<Element> = blinded.iter().map(Blinded::element).collect();
    key.evaluate(&elements, 4, &mut rng(9)).unwrap()
}

#[test]
fn one_form_for_each_address() {
    for (text, form) in [
        ("Anna@Example.ORG", "anna@example.org"),
        ("  anna.b+c@mail.example.org ", "anna.b+c@mail.example.org"),
        ("ÄNNE@müller.example", "änne@müller.example"),
        ("+49 (170) 123-45.67", "+491701234567"),
        ("0049 170/1234567", "+491701234567"),
    ] {
        assert_eq!(address(text).as_str(), form);
    }
    for text in [
        "",
        "@",
        "a@",
        "@b.c",
        "a@b",
        "a@b..c",
        "a@@b.c",
        "a b@c.de",
        "<a@b.cd>",
        "a@b.c\u{0}",
        "0170 1234567",
        "+0170123456",
        "+12345",
        "+1234567890123456",
        "+49170x",
        "anna",
    ] {
        assert!(Address::parse(text).is_err(), "{text:?}");
    }
    assert!(Address::parse(&format!("{}@example.org", "a".repeat(MAX_ADDRESS_BYTES))).is_err());
    // Lower case can be longer than upper case.
    let long = format!("{}@example.org", "\u{130}".repeat(MAX_ADDRESS_BYTES / 2 - 6));
    assert!(long.len() <= MAX_ADDRESS_BYTES && Address::parse(&long).is_err());
    let shown = format!("{:?} {:?}", address("anna@example.org"), AddressCode([7; 16]));
    assert_eq!(shown, "Address(…) AddressCode(…)");
}

#[test]
fn client_and_operator_come_to_the_same_place_and_the_server_sees_noise() {
    let key = DirectoryKey::from_seed(&[1; 32]).unwrap();
    let texts = ["anna@example.org", "+491701234567", "anna@example.com"];
    let (first, second) = (blinded(&texts, 1), blinded(&texts, 2));
    let places = Blinded::places(&first, &ask(&key, &first), Some(&key.public())).unwrap();
    for (place, text) in places.iter().zip(texts) {
        assert!(*place == key.place(&address(text)).unwrap(), "{text}");
    }
    assert!(places[0] != places[2]);
    // The same address is another element each time.
    for (a, b) in first.iter().zip(&second) {
        assert_ne!(a.element(), b.element());
    }
    assert_eq!(Blinded::places(&second, &ask(&key, &second), None).unwrap(), places);
    let bucket = places[0].bucket(4);
    assert!(bucket < 16 && places[0].bucket(0) == 0);
    assert_eq!(places[0].bucket(8) >> 4, bucket);
    assert_eq!(places[0].bucket(255), places[0].bucket(MAX_BUCKET_BITS));
    assert!(Place::from_bytes(&places[0].to_bytes()) == places[0]);
}

#[test]
fn another_key_or_a_false_proof_is_noticed() {
    let (key, other) =
        (DirectoryKey::from_seed(&[1; 32]).unwrap(), DirectoryKey::from_seed(&[2; 32]).unwrap());
    let asked = blinded(&["anna@example.org", "bob@example.org"], 1);
    let good = ask(&key, &asked);
    let places = |evaluated: &Evaluated| Blinded::places(&asked, evaluated, Some(&key.public()));
    assert!(places(&good).is_ok());
    assert_eq!(places(&ask(&other, &asked)), Err(Unproven::AnotherKey));
    // The other key, said to be the known one.
    assert_eq!(places(&Evaluated { key: key.public(), ..ask(&other, &asked) }), Err(Unproven::False));
    let mut swapped = good.clone();
    swapped.elements.swap(0, 1);
    assert_eq!(places(&swapped), Err(Unproven::False));
    let short = Evaluated { elements: good.elements[..1].to_vec(), ..good.clone() };
    assert_eq!(places(&short), Err(Unproven::False));
    let nothing = Evaluated { elements: vec![[0; 32]; 2], ..good.clone() };
    assert_eq!(places(&nothing), Err(Unproven::False));
    // One address under another key among many.
    let mut one = good.clone();
    one.elements[1] = ask(&other, &asked).elements[1];
    assert_eq!(places(&one), Err(Unproven::False));
}

#[test]
fn only_the_address_opens_its_entry() {
    let key = DirectoryKey::from_seed(&[1; 32]).unwrap();
    let (anna, bob) =
        (key.place(&address("anna@example.org")).unwrap(), key.place(&address("b@example.org")).unwrap());
    let account = AccountId([7; 16]);
    let entry = anna.seal(account, &mut rng(1));
    assert_eq!(anna.open(&entry), Some(account));
    assert_eq!(bob.open(&entry), None);
    assert_ne!(entry, anna.seal(account, &mut rng(2)), "no two look the same");
    assert!(!entry.windows(16).any(|bytes| bytes == account.0));
    let mut wrong_tag = entry;
    wrong_tag[..16].copy_from_slice(&bob.tag);
    assert_eq!(bob.open(&wrong_tag), None);
    for at in 0..ENTRY_BYTES {
        let mut tampered = entry;
        tampered[at] ^= 1;
        assert_eq!(anna.open(&tampered), None, "{at}");
    }
}

#[test]
fn what_is_no_element_is_refused() {
    let key = DirectoryKey::from_seed(&[1; 32]).unwrap();
    let good = blinded(&["anna@example.org"], 1).remove(0).element();
    for bad in [[0; 32], [0xff; 32], [1; 32]] {
        assert!(key.evaluate(&[good, bad], 4, &mut rng(1)).is_err(), "{bad:?}");
    }
}

#[test]
fn codes() {
    let code = AddressCode([0xa5; 16]);
    let text = code.to_text();
    assert_eq!(AddressCode::parse(&format!(" {} ", text.to_uppercase())), Ok(code));
    for at in 0..text.len() {
        let mut other = text.clone().into_bytes();
        other[at] = if other[at] == b'a' { b'b' } else { b'a' };
        assert!(AddressCode::parse(std::str::from_utf8(&other).unwrap()).is_err(), "{at}");
    }
}

proptest! {
    #[test]
    fn everything_that_is_parsed_is_total(
        text in ".{0,300}",
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        element in any::<[u8; 32]>(),
        proof in any::<[u8; 32]>(),
        entry in any::<[u8; 32]>(),
    ) {
        if let Ok(address) = Address::parse(&text) {
            // What was read once stays what it is.
            prop_assert!(Address::parse(address.as_str()) == Ok(address.clone()));
            prop_assert!(address.as_str().len() <= MAX_ADDRESS_BYTES);
        }
        let _ = AddressCode::parse(&text);
        let _ = elements(&bytes, 128, "x");
        let _: Result<Vec<[u8; ENTRY_BYTES]>, _> = chunks(&bytes, 120, "x");
        let key = DirectoryKey::from_seed(&[1; 32]).unwrap();
        let _ = key.evaluate(&[element], 4, &mut rng(1));
        let asked = blinded(&["anna@example.org"], 1);
        let mut whole = [0; PROOF_BYTES];
        whole[..32].copy_from_slice(&proof);
        whole[32..].copy_from_slice(&entry);
        let evaluated = Evaluated { elements: vec![element], proof: whole, key: key.public(), bits: 16 };
        prop_assert!(Blinded::places(&asked, &evaluated, None).is_err());
        let mut noise = [0; ENTRY_BYTES];
        let place = key.place(&address("anna@example.org")).unwrap();
        noise[..16].copy_from_slice(&place.tag);
        noise[16..48].copy_from_slice(&entry);
        prop_assert_eq!(place.open(&noise), None);
    }
}
