//! What holds for each option of a command, and where it comes from.

use rag_core::Result;
use rag_core::options::{Entry, Options, Value};

use super::config::Config;
use super::origin::Origin;
use super::{Given, OptionArgs, Spelling, is_code};

/// An option with the value that holds for it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) entry: Entry,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// The options of a command by their groups, gathered from its arguments.
#[derive(Debug)]
pub(crate) struct Holding<'a> {
    config: &'a Config,
    groups: Vec<(&'static str, Vec<Held>)>,
}

impl<'a> Holding<'a> {
    /// None yet.
    pub(crate) fn new(config: &'a Config) -> Self {
        Self { config, groups: Vec::new() }
    }

    /// Those that these arguments set.
    ///
    /// # Errors
    /// As where the command runs: InvalidArgument for what is out of range or excludes each other.
    pub(crate) fn add<S: Spelling>(&mut self, args: &OptionArgs<S>) -> Result<()> {
        args.options(self.config)?.validate()?;
        self.add_given::<S::Options>(&args.given()?, |entry| S::ONLY.is_empty() || S::takes(entry));
        Ok(())
    }

    /// Those that `takes` allows; `given` is what arguments say.
    pub(crate) fn add_given<O: Options>(&mut self, given: &Given, takes: impl Fn(&Entry) -> bool) {
        let said = self.config.said::<O>(given, &takes);
        let held = |entry: Entry| {
            let found = said.iter().find(|(name, _, _)| *name == entry.name);
            let (value, origin) = found
                .map_or((&entry.default, &Origin::Default), |(_, value, origin)| (value, origin));
            Held { value: value.clone(), origin: origin.clone(), entry }
        };
        let table = O::table().into_iter().filter(|entry| !is_code(entry) && takes(entry));
        let held: Vec<Held> = table.map(held).collect();
        match self.groups.iter_mut().find(|(group, _)| *group == O::GROUP) {
            Some((_, known)) => known.extend(held),
            None => self.groups.push((O::GROUP, held)),
        }
    }

    /// What an argument that is no option by itself says of one.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        let every = self.groups.iter_mut().flat_map(|(_, held)| held);
        if let Some(held) = every.into_iter().find(|held| held.entry.name == name) {
            (held.value, held.origin) = (value, Origin::Argument);
        }
    }

    /// The options by their groups.
    pub(crate) fn groups(self) -> Vec<(&'static str, Vec<Held>)> {
        self.groups
    }
}
