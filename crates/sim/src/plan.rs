//! What a seed stands for: the size of its world, what goes wrong there and how often, what people do.

use waxwing_client::limits::STATUS_LIFE_S;
use waxwing_server::{FileSettings, Settings};

use crate::dice::Dice;
use crate::fault::Fault;
use crate::hostile::Attack;
use crate::people::LIFETIMES_S;

/// The stream that draws devices, groups and attacks: apart from the other, so that plans of one device for
/// each person stay as they were.
const SOCIETY_STREAM: u64 = 3;
/// The stream that draws what is done about messages.
const DEEDS_STREAM: u64 = 4;
const LIGHT_STREAM: u64 = 5;
/// The stream that draws what lives for how long.
const LIVES_STREAM: u64 = 6;
/// The stream that draws what is shown to whom.
const CIRCLES_STREAM: u64 = 8;
/// The stream that draws when files are old.
const FILES_STREAM: u64 = 7;
/// Milliseconds of the phase in which faults happen.
const CHAOS_MS: (u64, u64) = (60_000, 240_000);

/// What a world is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// People write to each other while some kinds of faults happen.
    Mixed,
    /// The same without any fault: everything must be exact.
    Calm,
    /// One client floods another; no faults. The others must not notice.
    Flood,
    /// Messages expire soon and people are away for long.
    Expiry,
    /// Somebody writes more than any window holds, while faults happen.
    Burst,
    /// Somebody takes another's one-time prekeys until there are none, while faults happen.
    Drain,
    /// The server lies: see [`crate::hostile`]. Nothing has to arrive; what must never be, must not be.
    Hostile,
}

/// A group that people make in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPlan {
    /// Who makes it.
    pub maker: usize,
    /// Who is in it from the beginning, beside the maker.
    pub members: Vec<usize>,
    /// A community, to which the group before it is linked.
    pub community: bool,
    /// Texts that its members write.
    pub messages: u64,
    /// Changes that its members try to make.
    pub changes: u64,
}

/// Everything that is drawn before a run begins.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// What it is about.
    pub scenario: Scenario,
    /// Server nodes over the one store.
    pub nodes: usize,
    /// People, each with an account and its first device. Devices have the same numbers.
    pub clients: usize,
    /// Whose devices the others are; they get the numbers after those of the first ones.
    pub companions: Vec<usize>,
    /// Groups in the order in which they are made.
    pub groups: Vec<GroupPlan>,
    /// Things that people set for themselves.
    pub settings_made: u64,
    /// Things that people do about messages.
    pub deeds: u64,
    /// Times that somebody types, is there, or looks who is.
    pub light: u64,
    /// Messages of other kinds that people write, and things that they do about those.
    pub lives: u64,
    /// Times that somebody shows something for a day, looks at what others show, or writes to several at once.
    pub circles: u64,
    /// The longest that a message lives before it disappears, seconds; 0: none disappears.
    pub lifetime_s: u32,
    /// When hours and days pass in which nothing happens, and how many milliseconds.
    pub leaps: Vec<(u64, u64)>,
    /// Messages name files, which the driver uploads, keeps and fetches: the client core's part is not played.
    pub files: bool,
    /// What a hostile server does.
    pub attacks: Vec<Attack>,
    /// Texts that people try to write.
    pub messages: u64,
    /// Connections are encrypted for real.
    pub noise: bool,
    /// Length of the first phase.
    pub chaos_ms: u64,
    /// The operator's settings.
    pub settings: Settings,
    /// Longest time that bytes are under way.
    pub max_delay_ms: u64,
    /// Commands that a node decides for one commit.
    pub group: usize,
    /// Rates of the kinds that happen: so many times in 10,000 occasions, or per run for those without.
    pub rates: Vec<(Fault, u32)>,
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::in_company(seed)
    }

    /// The plan of a seed in a world with several devices and groups.
    #[must_use]
    pub fn in_company(seed: u64) -> Self {
        let mut plan = Self::alone(seed);
        let mut dice = Dice::new(seed, SOCIETY_STREAM);
        if matches!(plan.scenario, Scenario::Flood | Scenario::Burst) {
            return plan;
        }
        if dice.chance(700) {
            plan.become_hostile(&mut dice);
        }
        let large = dice.chance(150);
        if large {
            plan.clients = index(dice.between(15, 50));
            plan.messages = plan.messages.min(10);
        }
        if !large && (plan.scenario == Scenario::Hostile || dice.chance(5_500)) {
            plan.give_devices(&mut dice);
        }
        if large || plan.scenario == Scenario::Hostile || dice.chance(5_000) {
            plan.make_groups(&mut dice, large);
        }
        plan
    }

    /// The same with people who react to messages, edit and delete them.
    #[must_use]
    pub fn with_deeds(seed: u64) -> Self {
        let mut plan = Self::in_company(seed);
        let mut dice = Dice::new(seed, DEEDS_STREAM);
        if plan.scenario != Scenario::Flood && plan.scenario != Scenario::Burst {
            plan.deeds = dice.between(5, 60);
        }
        plan
    }

    /// The same with messages of every kind, some of which disappear, and with days that pass: before all is well
    /// again, so few that a server still keeps what it has for those who are away.
    #[must_use]
    pub fn with_lives(seed: u64) -> Self {
        let mut plan = Self::with_deeds(seed);
        let mut dice = Dice::new(seed, LIVES_STREAM);
        let lets = matches!(plan.scenario, Scenario::Mixed | Scenario::Calm | Scenario::Drain);
        if !lets {
            return plan;
        }
        plan.lives = dice.between(15, 90);
        plan.lifetime_s = LIFETIMES_S.get(dice.index(LIFETIMES_S.len())).copied().unwrap_or_default();
        let hours = [2, 13, 25, 8 * 24];
        plan.leaps = (0..dice.below(3))
            .map(|_| {
                let hours = hours.get(dice.index(hours.len())).copied().unwrap_or_default();
                (dice.between(15_000, plan.chaos_ms), hours * 3_600_000)
            })
            .collect();
        plan
    }

    /// Worlds in which people show things for a day to those they choose, write to lists, and are brought into groups
    /// against their setting; and in which hours pass.
    #[must_use]
    pub fn with_circles(seed: u64) -> Self {
        let mut plan = Self::in_company(seed);
        let mut dice = Dice::new(seed, CIRCLES_STREAM);
        if matches!(plan.scenario, Scenario::Mixed | Scenario::Calm | Scenario::Drain) {
            plan.circles = dice.between(20, 100);
            plan.lifetime_s = STATUS_LIFE_S;
            let hours = [1, 5, 30];
            plan.leaps = (0..dice.below(2))
                .map(|_| {
                    let hours = hours.get(dice.index(hours.len())).copied().unwrap_or_default();
                    (dice.between(15_000, plan.chaos_ms), hours * 3_600_000)
                })
                .collect();
        }
        plan
    }

    /// The same with messages that name files.
    #[must_use]
    pub fn with_files(seed: u64) -> Self {
        let mut plan = Self::with_lives(seed);
        if !plan.is_hostile() {
            plan.files = true;
            plan.settings.files = Some(FileSettings::default());
            if plan.lives > 0 {
                // What nobody notes is gone by then.
                let mut dice = Dice::new(seed, FILES_STREAM);
                plan.leaps.push((dice.between(15_000, plan.chaos_ms), 8 * 24 * 3_600_000));
            }
        }
        plan
    }

    /// The same with people who type, are there, and look who is.
    #[must_use]
    pub fn with_light(seed: u64) -> Self {
        let mut plan = Self::in_company(seed);
        let mut dice = Dice::new(seed, LIGHT_STREAM);
        plan.light = dice.between(100, 400);
        plan
    }

    /// A plan in which a server lies.
    fn become_hostile(&mut self, dice: &mut Dice) {
        self.scenario = Scenario::Hostile;
        self.settings = Settings::default();
        self.rates.clear();
        self.nodes = 1;
        self.clients = self.clients.max(3) + 1;
        self.noise = false;
        self.messages = self.messages.max(20);
        let count = index(dice.between(1, 3));
        self.attacks =
            (0..count).filter_map(|_| Attack::ALL.get(dice.index(Attack::ALL.len()))).copied().collect();
        self.attacks.sort();
        self.attacks.dedup();
    }

    /// Some people have several devices.
    fn give_devices(&mut self, dice: &mut Dice) {
        let most = 12_usize;
        for person in 0..self.honest_people() {
            let more = if dice.chance(6_000) { dice.skewed(1, 4) } else { 0 };
            self.companions.extend((0..more).map(|_| person));
        }
        self.companions.truncate(most);
        self.settings_made = dice.below(30);
    }

    /// Some people make groups.
    fn make_groups(&mut self, dice: &mut Dice, large: bool) {
        if self.clients == 2 {
            self.clients = 3;
        }
        let people = self.honest_people();
        let count = if large { 1 } else { dice.skewed(1, 3) };
        for number in 0..count {
            let maker = dice.index(people);
            let others = (0..people).filter(|person| *person != maker);
            let members: Vec<usize> = others.filter(|_| large || dice.chance(7_000)).collect();
            let community = number > 0 && dice.chance(2_500);
            let messages = if large { dice.between(3, 8) } else { dice.between(5, 40) };
            let changes = if large { dice.below(4) } else { dice.skewed(0, 14) };
            self.groups.push(GroupPlan { maker, members, community, messages, changes });
        }
    }

    /// The plan of a seed in a world where everybody has one device and nobody makes groups. Every third
    /// fault kind or so is absent from a seed, so that the others are seen without it.
    #[must_use]
    pub fn alone(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 0);
        let scenario = match dice.below(40) {
            0 | 1 => Scenario::Calm,
            2 => Scenario::Flood,
            3..=5 => Scenario::Expiry,
            6 => Scenario::Burst,
            7 | 8 => Scenario::Drain,
            _ => Scenario::Mixed,
        };
        let clients = dice.between(2, 6);
        let mut plan = Self {
            seed,
            scenario,
            nodes: if dice.chance(4_000) { 2 } else { 1 },
            clients: usize::try_from(clients).unwrap_or(2),
            companions: Vec::new(),
            groups: Vec::new(),
            settings_made: 0,
            deeds: 0,
            light: 0,
            lives: 0,
            circles: 0,
            lifetime_s: 0,
            leaps: Vec::new(),
            files: false,
            attacks: Vec::new(),
            messages: dice.between(20, 110),
            noise: dice.chance(2_500),
            chaos_ms: dice.between(CHAOS_MS.0, CHAOS_MS.1),
            settings: Settings::default(),
            max_delay_ms: dice.skewed(5, 400),
            group: usize::try_from(dice.between(1, 32)).unwrap_or(1),
            rates: Vec::new(),
        };
        match scenario {
            Scenario::Mixed | Scenario::Drain => plan.rates = rates(&mut dice),
            Scenario::Burst => {
                plan.rates = rates(&mut dice);
                plan.messages = 20;
            }
            Scenario::Calm | Scenario::Hostile => {}
            Scenario::Flood => {
                plan.clients = plan.clients.max(4);
                plan.settings.mailbox_entries = 40;
                plan.settings.send_burst = 20;
                plan.settings.sends_per_second = 5;
            }
            Scenario::Expiry => {
                plan.settings.retention_ms = 45_000;
                plan.rates = rates(&mut dice);
                plan.rates.retain(|(fault, _)| *fault != Fault::ServerClockJump);
            }
        }
        plan
    }

    /// The server lies.
    #[must_use]
    pub fn is_hostile(&self) -> bool {
        self.scenario == Scenario::Hostile
    }

    /// The liar's own person, with whom nobody has to do: the last one.
    #[must_use]
    pub fn accomplice(&self) -> Option<usize> {
        self.clients.checked_sub(1).filter(|_| self.is_hostile())
    }

    /// People who write to each other.
    #[must_use]
    pub fn honest_people(&self) -> usize {
        self.clients - usize::from(self.is_hostile())
    }

    /// A plan of the seed in which the server lies in these ways.
    #[must_use]
    pub fn hostile(seed: u64, attacks: &[Attack]) -> Self {
        let mut plan = Self::alone(seed);
        let mut dice = Dice::new(seed, SOCIETY_STREAM);
        plan.become_hostile(&mut dice);
        plan.attacks = attacks.to_vec();
        plan.give_devices(&mut dice);
        plan.make_groups(&mut dice, false);
        plan
    }

    /// How often a kind happens.
    #[must_use]
    pub fn rate(&self, fault: Fault) -> u32 {
        self.rates.iter().find(|(kind, _)| *kind == fault).map_or(0, |(_, rate)| *rate)
    }
}

/// Draws which kinds of faults happen, and how often.
fn rates(dice: &mut Dice) -> Vec<(Fault, u32)> {
    let mut rates = Vec::new();
    for fault in Fault::ALL {
        let most = match fault {
            // In 10,000 occasions.
            Fault::ConnectRefused | Fault::ConnectHang => 2_500,
            Fault::NoticeLost => 5_000,
            Fault::Conflict => 1_500,
            Fault::ServerCrashBeforeCommit
            | Fault::ServerCrashAfterCommit
            | Fault::ServerCrashBetweenEffects => 60,
            // Few groups are larger than one.
            Fault::ServerCrashMidCommit => 600,
            Fault::ClientCrashBeforeCommit
            | Fault::ClientCrashAfterCommit
            | Fault::ClientCrashBetweenEffects => 100,
            // They happen by themselves.
            Fault::RealConflict | Fault::PrekeysExhausted | Fault::Undecryptable => continue,
            // In a run.
            Fault::Reset => 14,
            Fault::ClientRollback => 2,
            Fault::DiskFull | Fault::ServerClockJump | Fault::ServerRestart => 3,
            _ => 8,
        };
        // Rollbacks excuse much of what the oracle asks, so most seeds are without.
        let present = if *fault == Fault::ClientRollback { 2_500 } else { 6_500 };
        if dice.chance(present) {
            let rate = dice.skewed(1, most);
            rates.push((*fault, u32::try_from(rate).unwrap_or(1)));
        }
    }
    rates
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default()
}
