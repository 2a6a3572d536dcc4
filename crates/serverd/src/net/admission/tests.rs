use std::time::Duration;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn bounds_guests_of_one_network_and_lets_others_in() {
    let admission = Admission::new(2, 10, false);
    assert!(admission.enter(ip("192.0.2.1")) && admission.enter(ip("192.0.2.1")));
    assert!(!admission.enter(ip("192.0.2.1")) && !admission.enter(ip("::ffff:192.0.2.1")));
    assert!(admission.enter(ip("192.0.2.2")));
    admission.leave(ip("192.0.2.1"));
    assert!(admission.enter(ip("192.0.2.1")));
    // One household's IPv6 network counts as one.
    assert!(admission.enter(ip("2001:db8::1")) && admission.enter(ip("2001:db8::2")));
    assert!(!admission.enter(ip("2001:db8::3")) && admission.enter(ip("2001:db8:0:1::3")));
}

#[test]
fn this_machine_is_bounded_only_on_request() {
    let lenient = Admission::new(0, 0, false);
    assert!(lenient.enter(ip("127.0.0.1")) && lenient.register(ip("::1"), Instant::now()).is_ok());
    assert!(!Admission::new(0, 0, true).enter(ip("127.0.0.1")));
}

#[test]
fn registrations_come_back_with_time() {
    let admission = Admission::new(9, 2, false);
    let begun = Instant::now();
    let one = ip("192.0.2.1");
    assert_eq!(admission.register(one, begun), Ok(()));
    assert_eq!(admission.register(one, begun), Ok(()));
    let retry_after_ms = admission.register(one, begun).unwrap_err();
    assert_eq!(retry_after_ms, 30 * 60 * 1_000);
    let later = begun + Duration::from_millis(retry_after_ms);
    assert_eq!(admission.register(one, later), Ok(()));
    assert!(admission.register(one, later).is_err());
}
