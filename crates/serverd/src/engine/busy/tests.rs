use waxwing_wire::client_frame::ClientFrame;

use super::*;

const CONN: ConnId = ConnId(1);

fn frame(ping: u32) -> Job {
    let frame = ClientFrame { ping: Some(ping), ..ClientFrame::default() };
    Job::Frame { conn: CONN, peer: None, frame: Box::new(frame) }
}

fn ping(job: &Job) -> Option<u32> {
    match job {
        Job::Frame { frame, .. } => frame.ping,
        _ => None,
    }
}

#[test]
fn what_waits_comes_back_in_its_order() {
    let mut busy = Busy::default();
    assert!(!busy.is(CONN) && !busy.wait(CONN, frame(0)));
    busy.begin(CONN);
    assert!(busy.is(CONN));
    for number in 1..=3 {
        assert!(busy.wait(CONN, frame(number)));
    }
    assert!(!busy.has_released());
    busy.end(CONN);
    assert!(!busy.is(CONN) && busy.has_released());
    let released: Vec<_> = busy.released().iter().filter_map(ping).collect();
    assert_eq!(released, [1, 2, 3]);
    assert!(!busy.has_released());
}

#[test]
fn a_connection_and_all_together_are_bounded() {
    let mut busy = Busy::default();
    busy.begin(CONN);
    let taken = (0..10_000).take_while(|number| busy.wait(CONN, frame(*number))).count();
    assert_eq!(taken, WAITING_JOBS_PER_CONNECTION);
    assert!(busy.wait(CONN, Job::Closed(CONN)), "it may always end");
    assert!(busy.has_room());
    for other in (2..).map(ConnId).take(WAITING_JOBS / WAITING_JOBS_PER_CONNECTION - 1) {
        busy.begin(other);
        while busy.wait(other, frame(1)) {}
    }
    assert!(!busy.has_room());
    busy.end(CONN);
    assert!(busy.has_room());
}
