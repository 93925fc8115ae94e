//! A class that was empty and has a task: how soon it starts.

use fairlane::clock;

use crate::support::{Answers, Bare, FOUR_CLASSES, Heard, Mesh, PASSES, Probe, Starts, connect};

/// Starts of other classes that may come before. A full worker looks at quiet queues at intervals,
/// and here a start takes only as long as a result takes to the disk.
const STARTS_BEFORE_MAX: usize = 60;

/// The consumer of the class `a`.
const URGENT: &str = "a=m=0";

/// Waits until somebody asks for one task and is willing to wait for it.
async fn until_it_waits(pulls: &mut Heard) {
    while String::from_utf8_lossy(&pulls.next().await.payload).contains("no_wait") {}
}

async fn next_class(starts: &mut Starts) -> String {
    starts.recv().await.expect("tasks go on starting").0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_fills_later_starts_within_a_few_starts_of_a_full_worker() {
    let mesh = Mesh::start(FOUR_CLASSES).await;
    mesh.submit_many("d", 100, "0").await;
    let (probe, mut starts) = Probe::gated();
    mesh.worker("full", 4, probe.clone()).await;
    for _ in 0..4 {
        assert_eq!(next_class(&mut starts).await, "d");
    }

    mesh.submit_many("a", 10, "0").await;
    let mut before = 0;
    loop {
        probe.release(1);
        if next_class(&mut starts).await == "a" {
            break;
        }
        before += 1;
        assert!(before <= STARTS_BEFORE_MAX, "{before} starts came first");
    }
    println!("starts of another class before the late one's first: {before}");

    // Backlogged from here on, the late class has four times the share of the other.
    let mut of_late = 1;
    for _ in 0..10 {
        probe.release(1);
        of_late += usize::from(next_class(&mut starts).await == "a");
    }
    assert!(of_late >= 7, "the late class had {of_late} of 11 starts");
    assert_eq!(probe.most(), 4);
    probe.release(200);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_fills_later_is_the_next_start_of_an_idle_worker() {
    let mesh = Mesh::start(FOUR_CLASSES).await;
    let (probe, mut starts) = Probe::gated();
    mesh.worker("idle", 4, probe.clone()).await;
    for class in ["d", "b", "a", "c"] {
        mesh.submit(&format!("{class}-late"), class, "0").await.unwrap();
        assert_eq!(next_class(&mut starts).await, class);
    }
    assert_eq!(probe.most(), 4);
    probe.release(4);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_urgent_task_finds_the_one_idle_worker_behind_99_full_ones_on_its_first_delivery() {
    let mesh = Mesh::start(FOUR_CLASSES).await;
    let (probe, mut starts) = Probe::gated();
    for group in 0..10 {
        let shared = connect(&mesh.server, &format!("group-{group}")).await;
        for n in 0..10 {
            let id = format!("w{group}{n}");
            mesh.worker_over(shared.clone(), &id, 1, probe.clone()).await;
        }
    }
    mesh.submit_many("d", 99, "0").await;
    for _ in 0..99 {
        next_class(&mut starts).await;
    }
    let bare = Bare::of(&mesh.server).await;
    let mut pulls = bare
        .hear(&format!("$JS.API.CONSUMER.MSG.NEXT.FL_CORE.{URGENT}"))
        .await;
    until_one_waits(&mesh, &bare, &mut starts, &mut pulls).await;
    let mut answers = Answers::on(&mesh.server).await;
    let mut ahead = Vec::new();
    for n in 0..20 {
        // The only worker that still asks is idle again.
        until_it_waits(&mut pulls).await;
        while bare.waiting("FL_CORE", URGENT).await != 1 {
            until_it_waits(&mut pulls).await;
        }
        let sent = clock::monotonic();
        let accepted = async {
            mesh.submit(&format!("a-{n}"), "a", PASSES).await.unwrap();
            clock::monotonic().since(sent)
        };
        let started = async {
            next_class(&mut starts).await;
            clock::monotonic().since(sent)
        };
        let (accepted, started) = tokio::join!(accepted, started);
        ahead.push(started.saturating_sub(accepted));
        let answer = answers.next_of(URGENT).await;
        assert_eq!(
            (answer.word.as_str(), answer.deliveries),
            ("+ACK", 1),
            "{answer:?}"
        );
    }
    ahead.sort_unstable();
    println!(
        "start after the stream took it: median {:?}, most {:?}",
        ahead[10], ahead[19]
    );
    assert_eq!(probe.most(), 100);
    probe.release(99);
    mesh.stop().await;
}

/// The full workers withdraw their waits while tasks pass through the idle one: how soon depends on
/// the machine, so as many pass as it takes until the server holds one wait, three times over.
async fn until_one_waits(mesh: &Mesh, bare: &Bare, starts: &mut Starts, pulls: &mut Heard) {
    let mut alone = 0;
    for n in 0.. {
        let id = format!("b-{n}");
        mesh.submit(&id, "b", PASSES).await.expect("accepted");
        next_class(starts).await;
        mesh.result(&id).await;
        until_it_waits(pulls).await;
        alone = if bare.waiting("FL_CORE", URGENT).await == 1 {
            alone + 1
        } else {
            0
        };
        if alone == 3 {
            break;
        }
    }
}
