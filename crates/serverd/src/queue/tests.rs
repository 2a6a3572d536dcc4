use std::sync::Arc;
use std::thread;

use super::*;

const LONG: Duration = Duration::from_secs(30);

#[test]
fn batches_come_out_in_order_and_bounds_are_told() {
    let queue = Queue::new(3, 100);
    let mut batch = vec![1, 2];
    assert!(queue.put(&mut batch, 20) && batch.is_empty());
    assert!(queue.has_room());
    assert!(!queue.put(&mut vec![3], 10));
    assert!(!queue.has_room() && queue.waiting() == 3);
    let mut taken = Vec::new();
    queue.take(&mut taken);
    assert_eq!(taken, [1, 2, 3]);
    assert!(queue.has_room() && queue.waiting() == 0);
    queue.put(&mut vec![4], 100);
    assert!(!queue.has_room(), "bytes are bounded too");
}

#[test]
fn a_consumer_that_waits_is_woken_and_a_producer_that_waits_gets_room() {
    let queue = Arc::new(Queue::new(1, 100));
    let consumer = {
        let queue = queue.clone();
        thread::spawn(move || {
            let mut all = Vec::new();
            while all.len() < 1_000 {
                let mut taken = Vec::new();
                queue.wait(&mut taken, LONG);
                all.append(&mut taken);
            }
            all
        })
    };
    for number in 0..1_000 {
        queue.wait_for_room();
        queue.put(&mut vec![number], 1);
    }
    assert_eq!(consumer.join().unwrap(), (0..1_000).collect::<Vec<_>>());
}
