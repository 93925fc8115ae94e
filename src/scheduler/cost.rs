//! stand-in until merged
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CostId(pub usize);
#[derive(Debug, Clone, Default)]
pub struct CostModel {
    all: Vec<(f64, u32)>,
}
impl CostModel {
    pub fn new() -> Self {
        Self::default()
    }
    pub fn add(&mut self, initial_ms: f64) -> CostId {
        self.all.push((initial_ms, 0));
        CostId(self.all.len() - 1)
    }
    pub fn estimate_ms(&self, id: CostId) -> f64 {
        self.all[id.0].0
    }
    pub fn settle(&mut self, id: CostId, used_ms: f64) {
        let (e, n) = &mut self.all[id.0];
        *n += 1;
        let g = (1.0 / (f64::from(*n) + 1.0)).max(0.125);
        *e += g * (used_ms.max(1.0) - *e);
    }
}
