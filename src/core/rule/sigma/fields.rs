//! The fields that rules ask for, by name and by path.

use rustc_hash::FxHashMap;

/// The slot of values that no rule names.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// The names that rules ask for, as a tree of their parts; each has a slot.
#[derive(Debug, Default)]
pub(super) struct Fields {
    nodes: Vec<Node>,
    names: FxHashMap<Box<str>, u32>,
    /// Whether some rule asks for every value.
    pub(super) any: bool,
}

#[derive(Debug)]
struct Node {
    children: FxHashMap<Box<str>, u32>,
    slot: u32,
}

impl Fields {
    /// The slot of a name.
    pub(super) fn slot(&mut self, name: &str) -> u32 {
        if let Some(slot) = self.names.get(name) {
            return *slot;
        }
        let slot = self.names.len() as u32;
        self.names.insert(name.into(), slot);
        if self.nodes.is_empty() {
            self.nodes.push(Node::new());
        }
        let flat = self.child(0, name);
        self.nodes[flat as usize].slot = slot;
        if name.contains('.') {
            let nested = name.split('.').fold(0, |node, part| self.child(node, part));
            self.nodes[nested as usize].slot = slot;
        }
        slot
    }

    /// The slot of a name that was given one.
    pub(super) fn known(&self, name: &str) -> u32 {
        self.names.get(name).copied().unwrap_or(NO_SLOT)
    }

    fn child(&mut self, node: u32, part: &str) -> u32 {
        if let Some(child) = self.nodes[node as usize].children.get(part) {
            return *child;
        }
        let child = self.nodes.len() as u32;
        self.nodes.push(Node::new());
        self.nodes[node as usize]
            .children
            .insert(part.into(), child);
        child
    }

    /// How many slots there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Where a name leads from a node.
    #[inline]
    pub(super) fn step(&self, node: Option<u32>, key: &str) -> Option<u32> {
        self.nodes.get(node? as usize)?.children.get(key).copied()
    }

    /// The slot of what ends at a node.
    #[inline]
    pub(super) fn slot_of(&self, node: Option<u32>) -> u32 {
        node.and_then(|n| self.nodes.get(n as usize))
            .map_or(NO_SLOT, |n| n.slot)
    }
}

impl Node {
    fn new() -> Self {
        Self {
            children: FxHashMap::default(),
            slot: NO_SLOT,
        }
    }
}
