//! Surplus round robin between classes, in cost.
//!
//! A FIFO consumer hides the cost of its head until it is delivered, so a class is charged an
//! estimate when a task is asked for and the rest when it is done. A class is served while its
//! balance is above zero and may overdraw it by one task; when none is, the next one in turn is
//! granted `quantum · weight`. A class that cannot be served for a moment is granted its part all
//! the same and goes first when it can be; meanwhile the rounds go no further than its turn, so that those who are served
//! in its place owe for it. They owe it to that class alone: one that was absent and comes meanwhile begins beside those
//! who are served, not where the rounds were stopped.
//!
//! Two classes that stay backlogged differ in service per weight by at most
//! `2 · c_max / w_min + quantum` (Shreedhar and Varghese's deficit round robin, with the
//! surplus form's overdraft of one task).
//!
//! Rounds are counted, not walked: the turn in which a class next has credit is arithmetic, and the earliest of these
//! turns is the best of a [`Tournament`]. One very long task costs as much as a short one, and a choice among n
//! classes log n steps.

use super::facts::ClassId;
use super::tournament::{Least, Tournament};
use crate::task::Moment;

/// What a class may do just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may be chosen.
    Ready,
    /// It keeps its place in the rounds and is chosen later.
    Delayed,
    /// It has nothing to be served. It pays off its debt, and earns nothing beyond that.
    Absent,
}

/// Rounds a delayed class may make up for.
const DELAYED_ROUNDS_MAX: f64 = 4.0;
/// Classes at most; turns are numbered by it.
const CLASSES_MAX: u64 = 1 << 16;
/// Rounds that a debt may cost at most.
const ROUNDS_MAX: f64 = (1_u64 << 40) as f64;
/// From this round on they are counted from the beginning again: the turn after as many rounds as a debt may cost still
/// fits into 64 bits.
const ROUND_LAST: u64 = 1 << 46;

/// The balances of all classes.
#[derive(Debug, Clone)]
pub struct Credit {
    quantum_ms: f64,
    share_sum: f64,
    accounts: Vec<Account>,
    /// The turn that is being served: round and place. All earlier ones were granted.
    turn: u64,
    /// The furthest turn that anybody was served in: beyond `turn` while the rounds are held back.
    front: u64,
    /// By the turn in which each has credit.
    ready: Tournament<Least<u64>>,
    /// The same for those that are delayed.
    delayed: Tournament<Least<u64>>,
}

#[derive(Debug, Clone)]
struct Account {
    share: f64,
    /// As of the grant in `granted`.
    balance_ms: f64,
    /// The last round whose grant is in the balance.
    granted: u64,
    standing: Standing,
    /// What it keeps beside the credit of a few rounds while it is delayed.
    more_ms: f64,
    /// Turns that it was before the furthest one when it became absent.
    lead: u64,
}

impl Credit {
    /// No classes yet. `quantum_ms` is what a whole round adds, over all shares together.
    #[must_use]
    pub fn new(quantum_ms: f64) -> Self {
        Self {
            quantum_ms,
            share_sum: 0.0,
            accounts: Vec::new(),
            turn: CLASSES_MAX,
            front: CLASSES_MAX,
            ready: Tournament::default(),
            delayed: Tournament::default(),
        }
    }

    /// Adds a class of that share, without balance and absent.
    ///
    /// # Panics
    /// Beyond 65,536 classes, which no server bears.
    pub fn add(&mut self, share: f64) -> ClassId {
        assert!(
            (self.accounts.len() as u64) < CLASSES_MAX,
            "more classes than turns are counted for"
        );
        (0..self.accounts.len()).for_each(|at| self.settle(at));
        self.share_sum += share;
        self.accounts.push(Account {
            share,
            balance_ms: 0.0,
            granted: 0,
            standing: Standing::Absent,
            more_ms: 0.0,
            lead: 0,
        });
        ClassId(self.accounts.len() - 1)
    }

    /// Begins the rounds at the class in which `phase`, from 0 to 1, falls when the shares are
    /// laid end to end. Many workers with few slots then do not swing together.
    pub fn start_at(&mut self, phase: f64) {
        (0..self.accounts.len()).for_each(|at| self.settle(at));
        let mut reach = phase.clamp(0.0, 1.0) * self.share_sum;
        let first = self.accounts.iter().position(|account| {
            reach -= account.share;
            reach < 0.0
        });
        let first = first.unwrap_or(self.accounts.len().saturating_sub(1)) as u64;
        // The turn before the first one's.
        let turn = (self.round() + 1) * CLASSES_MAX + first - 1;
        self.front += turn - self.turn;
        self.turn = turn;
        for at in 0..self.accounts.len() {
            self.accounts[at].granted = self.visited(at);
            self.enter(at);
        }
    }

    /// Says what a class may do from now on.
    pub fn stand(&mut self, class: ClassId, standing: Standing) {
        let was = self.accounts[class.0].standing;
        if was == standing {
            return;
        }
        self.settle(class.0);
        if was == Standing::Absent {
            self.come(class.0);
        }
        if standing == Standing::Absent {
            self.accounts[class.0].lead = self.front.saturating_sub(self.turn_of(class.0));
        }
        self.accounts[class.0].standing = standing;
        self.enter(class.0);
    }

    /// Takes what a class that is absent would gain by the rounds having been held back for another one: it is no
    /// further ahead of those who are served than it was when it left. What it owes stays.
    fn come(&mut self, at: usize) {
        if self.front <= self.turn {
            return;
        }
        let from = self.front.saturating_sub(self.accounts[at].lead);
        let rounds = from.saturating_sub(self.turn_of(at)).div_ceil(CLASSES_MAX);
        if rounds > 0 {
            let owed_ms = rounds as f64 * self.gain(at);
            self.accounts[at].balance_ms -= owed_ms;
        }
    }

    /// The class to serve next among the ready ones, or none when none is ready. Charge it before
    /// the next call.
    pub fn choose(&mut self) -> Option<ClassId> {
        let at = self.ready.best(Moment::default())?;
        let turn = self.ready.get(at).map_or(0, |turn| turn.0);
        self.go_on_to(turn);
        Some(ClassId(at))
    }

    /// A class is served that was not chosen; charge it next. Where it has had more than `most_ms` beyond its turn, and
    /// nobody who is ready would come first, the rounds go on to its turn all the same: it does not owe for what nobody
    /// else could have had.
    pub fn unchosen(&mut self, class: ClassId, most_ms: f64) {
        if self.ahead_ms(class) <= most_ms {
            return;
        }
        self.settle(class.0);
        let turn = self.turn_of(class.0);
        let first = self.ready.best(Moment::default());
        let first = first.and_then(|at| self.ready.get(at)).map(|turn| turn.0);
        if first.is_none_or(|first| first >= turn) {
            self.go_on_to(turn);
        }
        self.enter(class.0);
    }

    /// A class in that turn is served.
    fn go_on_to(&mut self, turn: u64) {
        self.front = self.front.max(turn);
        let turn = self.held_back(turn);
        self.turn = self.turn.max(turn);
        if self.round() > ROUND_LAST {
            self.recount();
        }
    }

    /// How far the rounds may go so that a class in `turn` is served. Where one that is delayed would come first, they
    /// stop at its turn: who is served in its place goes into debt and pays for it later, instead of being granted at
    /// once the rounds that it takes to be out of debt. The credit that a class may keep bounds that, whatever of it is in
    /// its balance already: a debt beyond that is forgiven, and the less that happens the better the shares.
    fn held_back(&mut self, turn: u64) -> u64 {
        let first = self.delayed.best(Moment::default());
        let Some((at, due)) = first.and_then(|at| Some((at, self.delayed.get(at)?.0))) else {
            return turn;
        };
        let rounds = (self.most_delayed_ms(at) / self.gain(at)).min(ROUNDS_MAX) as u64;
        turn.min(due.max(turn.saturating_sub(rounds * CLASSES_MAX)))
    }

    /// Counts the rounds from the beginning again; nobody's turn comes sooner or later for it.
    fn recount(&mut self) {
        (0..self.accounts.len()).for_each(|at| self.settle(at));
        let past = self.round() - 1;
        self.turn -= past * CLASSES_MAX;
        self.front -= past * CLASSES_MAX;
        for at in 0..self.accounts.len() {
            self.accounts[at].granted -= past;
            self.enter(at);
        }
    }

    /// Takes `cost_ms` off the balance of `class`; a negative cost gives back.
    pub fn charge(&mut self, class: ClassId, cost_ms: f64) {
        self.settle(class.0);
        let is_absent = self.accounts[class.0].standing == Standing::Absent;
        if is_absent {
            // What a task of it turns out to cost is owed from now on.
            self.come(class.0);
        }
        self.accounts[class.0].balance_ms -= cost_ms;
        if is_absent {
            // What it gets back it had before it left.
            let ahead = self.front.saturating_sub(self.turn_of(class.0));
            let lead = &mut self.accounts[class.0].lead;
            *lead = ahead.max(*lead);
        }
        self.enter(class.0);
    }

    /// A class that could not be served keeps the credit of a few rounds and `more_ms`, and earns no more while it is
    /// delayed: enough to make up for a busy server, too little to crowd out the others after a long time at a limit, or
    /// once one that is far in debt was served for want of any other. It makes up for twice that at most: for its credit,
    /// and for as many rounds that were held back for it, which those who were served in its place owe.
    pub fn delayed(&mut self, class: ClassId, more_ms: f64) {
        self.settle(class.0);
        self.accounts[class.0].more_ms = more_ms;
        self.cap(class.0, self.most_delayed_ms(class.0));
    }

    /// An emptied class keeps its debt, not its credit: nobody saves up service while idle.
    pub fn emptied(&mut self, class: ClassId) {
        self.cap(class.0, 0.0);
        self.accounts[class.0].lead = 0;
        self.come(class.0);
        self.enter(class.0);
    }

    /// What `class` may still use before its turn ends, in ms of one slot; negative is a debt.
    #[must_use]
    pub fn balance_ms(&self, class: ClassId) -> f64 {
        let account = &self.accounts[class.0];
        account.balance_ms + self.earned_ms(class.0)
    }

    /// What `class` has had beyond its next turn and beyond those who are served, in ms of one slot.
    #[must_use]
    pub fn ahead_ms(&self, class: ClassId) -> f64 {
        let turn = (self.visited(class.0) + self.rounds_away(class)) * CLASSES_MAX + class.0 as u64;
        let rounds = turn.saturating_sub(self.front) / CLASSES_MAX;
        rounds.saturating_sub(1) as f64 * self.gain(class.0)
    }

    /// Rounds until `class` has credit again; 0 where it has.
    #[must_use]
    pub fn rounds_away(&self, class: ClassId) -> u64 {
        rounds_to_credit(self.balance_ms(class), self.gain(class.0))
    }

    fn cap(&mut self, at: usize, most_ms: f64) {
        self.settle(at);
        let account = &mut self.accounts[at];
        account.balance_ms = account.balance_ms.min(most_ms);
        self.enter(at);
    }

    fn most_delayed_ms(&self, at: usize) -> f64 {
        DELAYED_ROUNDS_MAX * self.gain(at) + self.accounts[at].more_ms
    }

    fn gain(&self, at: usize) -> f64 {
        self.quantum_ms * self.accounts[at].share / self.share_sum
    }

    fn round(&self) -> u64 {
        self.turn / CLASSES_MAX
    }

    /// The last round in which that place has had its turn.
    fn visited(&self, at: usize) -> u64 {
        let is_past = at as u64 <= self.turn % CLASSES_MAX;
        if is_past { self.round() } else { self.round() - 1 }
    }

    /// What the rounds since its last grant have added.
    fn earned_ms(&self, at: usize) -> f64 {
        let account = &self.accounts[at];
        let granted_ms = self.visited(at).saturating_sub(account.granted) as f64 * self.gain(at);
        match account.standing {
            Standing::Absent => granted_ms.min((-account.balance_ms).max(0.0)),
            Standing::Delayed => granted_ms.min((self.most_delayed_ms(at) - account.balance_ms).max(0.0)),
            Standing::Ready => granted_ms,
        }
    }

    /// Puts what it has earned into its balance.
    fn settle(&mut self, at: usize) {
        let (earned_ms, granted) = (self.earned_ms(at), self.visited(at));
        let account = &mut self.accounts[at];
        account.balance_ms += earned_ms;
        account.granted = granted;
    }

    /// The turn in which it has credit, after what is in its balance.
    fn turn_of(&self, at: usize) -> u64 {
        let account = &self.accounts[at];
        let away = rounds_to_credit(account.balance_ms, self.gain(at));
        (account.granted + away) * CLASSES_MAX + at as u64
    }

    /// Enters it for the turn in which it has credit, or takes it out.
    fn enter(&mut self, at: usize) {
        let turn = Some(Least(self.turn_of(at)));
        let (ready, delayed) = match self.accounts[at].standing {
            Standing::Absent => (None, None),
            Standing::Delayed => (None, turn),
            Standing::Ready => (turn, None),
        };
        self.ready.set(at, ready, Moment::default());
        self.delayed.set(at, delayed, Moment::default());
    }
}

/// Grants until a balance is above zero.
fn rounds_to_credit(balance_ms: f64, gain_ms: f64) -> u64 {
    if balance_ms > 0.0 {
        return 0;
    }
    // A float that is out of range becomes the bound.
    ((-balance_ms / gain_ms).floor() + 1.0).min(ROUNDS_MAX) as u64
}
