//! All processes of the mesh: they take their blows, and whoever ends is started again.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use nix::sys::signal::Signal;
use tokio::sync::{mpsc, watch};
use tokio_util::time::{DelayQueue, delay_queue::Expired};

use super::checker::Lives;
use super::member::{Ended, Launch, Member};
use super::plan::{Arm, Blow, FLEET, Plan, Timed};
use crate::clock;

/// Before a process is started again, as a supervisor would wait.
const RESTART_AFTER: Duration = Duration::from_millis(200);
/// How long a process may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(20);

/// What befell the processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Blows {
    /// Ended by SIGKILL.
    pub(super) kills: u32,
    /// Ended between two of their writes.
    pub(super) failpoints: u32,
    /// Frozen, and let go on.
    pub(super) freezes: u32,
    /// Taken down by a task.
    pub(super) crashes: u32,
}

/// What is to happen to a member later.
#[derive(Debug, Clone, Copy)]
enum Later {
    Start(usize),
    Thaw { member: usize, life: u32 },
}

pub(super) struct Fleet {
    launch: Launch,
    members: Vec<Member>,
    arms: VecDeque<Arm>,
    blows: VecDeque<Timed>,
    later: DelayQueue<Later>,
    ended: mpsc::Receiver<Ended>,
    tell: mpsc::Sender<Ended>,
    /// Members that this drill has killed and whose end has not been heard of.
    killed: Vec<(usize, u32)>,
    done: Blows,
    lives: Lives,
}

impl Fleet {
    /// Starts every process.
    pub(super) fn start(plan: &Plan, launch: Launch) -> std::io::Result<Self> {
        let (tell, ended) = mpsc::channel(FLEET.len());
        let mut fleet = Self {
            launch,
            members: FLEET
                .iter()
                .enumerate()
                .map(|(number, &role)| Member::new(role, number))
                .collect(),
            arms: plan.arms.iter().cloned().collect(),
            blows: plan.blows.iter().copied().collect(),
            later: DelayQueue::new(),
            ended,
            tell,
            killed: Vec::new(),
            done: Blows::default(),
            lives: Lives::default(),
        };
        for member in 0..fleet.members.len() {
            fleet.launch(member)?;
        }
        Ok(fleet)
    }

    fn launch(&mut self, member: usize) -> std::io::Result<()> {
        let member = &mut self.members[member];
        if member.arm.is_none()
            && let Some(at) = self.arms.iter().position(|arm| arm.role == member.role)
        {
            member.arm = self.arms.remove(at);
        }
        member.start(&self.launch, &self.tell)
    }

    /// Deals the blows as tasks end, and starts again whoever ended, for as long as it is polled.
    pub(super) async fn keep(&mut self, mut progress: watch::Receiver<usize>) -> std::io::Error {
        loop {
            let next = self.blows.front().map(|timed| timed.at);
            let is_time = async {
                match next {
                    Some(at) => progress.wait_for(|ended| *ended >= at).await.map(drop),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(ended) = self.ended.recv() => self.bury(&ended),
                Some(due) = self.later.next(), if !self.later.is_empty() => {
                    if let Err(error) = self.do_later(&due) {
                        return error;
                    }
                }
                Ok(()) = is_time => self.strike(),
            }
        }
    }

    fn bury(&mut self, ended: &Ended) {
        let own = (ended.member, ended.life);
        let member = &mut self.members[ended.member];
        if let Some(pid) = member.pid() {
            self.lives.died(pid, clock::wall().0);
        }
        member.has_ended();
        if let Some(at) = self.killed.iter().position(|&killed| killed == own) {
            self.killed.swap_remove(at);
            self.done.kills += 1;
        } else if ended.is_failpoint() {
            member.arm = None;
            self.done.failpoints += 1;
        } else {
            self.done.crashes += 1;
        }
        self.later.insert(Later::Start(ended.member), RESTART_AFTER);
    }

    fn do_later(&mut self, due: &Expired<Later>) -> std::io::Result<()> {
        match *due.get_ref() {
            Later::Start(member) => self.launch(member)?,
            Later::Thaw { member, life } => {
                let member = &mut self.members[member];
                if member.life == life && member.is_alive() {
                    member.is_frozen = false;
                    if let Some(pid) = member.pid() {
                        self.lives.thawed(pid, clock::wall().0);
                    }
                    member.signal(Signal::SIGCONT);
                    self.done.freezes += 1;
                }
            }
        }
        Ok(())
    }

    /// Deals the next blow. When nobody of its role is up, it falls at the next end of a task.
    fn strike(&mut self) {
        let Some(timed) = self.blows.front().copied() else {
            return;
        };
        let victim = self
            .members
            .iter()
            .position(|member| member.role == timed.role && member.is_running());
        let Some(at) = victim else {
            if let Some(first) = self.blows.front_mut() {
                first.at += 1;
            }
            return;
        };
        self.blows.pop_front();
        let member = &mut self.members[at];
        match timed.blow {
            Blow::Kill => {
                member.signal(Signal::SIGKILL);
                self.killed.push((at, member.life));
                // It takes no second blow in this life.
                member.is_frozen = true;
            }
            Blow::Freeze(time) => {
                member.signal(Signal::SIGSTOP);
                if let Some(pid) = member.pid() {
                    self.lives.frozen(pid, clock::wall().0);
                }
                member.is_frozen = true;
                let life = member.life;
                self.later.insert(Later::Thaw { member: at, life }, time);
            }
        }
    }

    /// Asks every process to end, and waits for it. Those that do not are killed.
    pub(super) async fn stop(self) -> (Blows, Lives) {
        self.stop_within(GRACE).await
    }

    async fn stop_within(mut self, grace: Duration) -> (Blows, Lives) {
        for member in &self.members {
            if let Some(pid) = member.pid() {
                self.lives.thawed(pid, clock::wall().0);
            }
            member.signal(Signal::SIGCONT);
            member.signal(Signal::SIGTERM);
        }
        if tokio::time::timeout(grace, self.all_ended()).await.is_err() {
            tracing::warn!("not every process ended when it was asked to; the rest is killed");
            for member in &self.members {
                member.signal(Signal::SIGKILL);
            }
            if tokio::time::timeout(GRACE, self.all_ended()).await.is_err() {
                tracing::error!("not every process ended although it was killed");
            }
        }
        (self.done, self.lives)
    }

    async fn all_ended(&mut self) {
        while self.members.iter().any(Member::is_alive) {
            let Some(ended) = self.ended.recv().await else {
                return;
            };
            let member = &mut self.members[ended.member];
            if let Some(pid) = member.pid() {
                self.lives.died(pid, clock::wall().0);
            }
            member.has_ended();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::checker::Run;

    #[tokio::test]
    async fn who_does_not_end_when_asked_to_is_killed_and_known_to_have_died() {
        let folder = tempfile::tempdir().unwrap();
        let launch = Launch {
            // It goes on for ever, whatever it is started with.
            program: "yes".into(),
            nats: String::new(),
            policy: folder.path().join("policy.yaml"),
            logs: folder.path().to_owned(),
            http: String::new(),
            journal: folder.path().join("journal"),
        };
        let fleet = Fleet::start(&Plan::chaos_mini(1, 100), launch).unwrap();
        let pids: Vec<i32> = fleet.members.iter().filter_map(Member::pid).collect();
        assert_eq!(pids.len(), FLEET.len());
        let (_, lives) = fleet.stop_within(Duration::ZERO).await;
        for pid in pids {
            let run = Run {
                task: "t".to_owned(),
                pid,
                start: 0,
                end: None,
            };
            assert!(lives.end(&run) < i64::MAX, "{pid} was left alone");
        }
    }
}
