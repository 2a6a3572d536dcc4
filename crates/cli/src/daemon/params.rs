//! Parameters of a request: what takes several values takes one as well, under its singular or plural name.

use std::time::Duration;

use serde_json::{Map, Value};

use super::limits::{MAX_WAIT, WAIT_DELIVERED};
use super::rpc::RpcError;

pub struct Params(pub Map<String, Value>);

impl Params {
    /// The first of these names that is there and not null.
    fn value(&self, names: &[&str]) -> Option<(&Value, String)> {
        let named = |name: &&str| self.0.get(*name).map(|value| (value, (*name).to_owned()));
        names.iter().filter_map(named).find(|(value, _)| !value.is_null())
    }

    pub fn text(&self, names: &[&str]) -> Result<Option<String>, RpcError> {
        match self.value(names) {
            None => Ok(None),
            Some((Value::String(text), _)) => Ok(Some(text.clone())),
            Some((_, name)) => Err(RpcError::params(format!("{name} must be a string"))),
        }
    }

    pub fn needed_text(&self, names: &[&str]) -> Result<String, RpcError> {
        self.text(names)?.ok_or_else(|| missing(names))
    }

    /// A string or an array of strings.
    pub fn texts(&self, names: &[&str]) -> Result<Vec<String>, RpcError> {
        let Some((value, name)) = self.value(names) else { return Ok(Vec::new()) };
        let wrong = || RpcError::params(format!("{name} must be a string or an array of strings"));
        match value {
            Value::String(text) => Ok(vec![text.clone()]),
            Value::Array(values) => {
                values.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
            }
            _ => Err(wrong()),
        }
    }

    pub fn number(&self, names: &[&str]) -> Result<Option<u64>, RpcError> {
        let Some((value, name)) = self.value(names) else { return Ok(None) };
        number(value).map(Some).ok_or_else(|| RpcError::params(format!("{name} must be a whole number")))
    }

    pub fn needed_number(&self, names: &[&str]) -> Result<u64, RpcError> {
        self.number(names)?.ok_or_else(|| missing(names))
    }

    /// A number or an array of numbers.
    pub fn numbers(&self, names: &[&str]) -> Result<Vec<u64>, RpcError> {
        let Some((value, name)) = self.value(names) else { return Ok(Vec::new()) };
        let wrong = || RpcError::params(format!("{name} must be a whole number or an array of them"));
        match value {
            Value::Array(values) => values.iter().map(|value| number(value).ok_or_else(wrong)).collect(),
            value => Ok(vec![number(value).ok_or_else(wrong)?]),
        }
    }

    pub fn flag(&self, name: &str) -> Result<bool, RpcError> {
        Ok(self.switch(name)?.unwrap_or(false))
    }

    /// `None`: not said.
    pub fn switch(&self, name: &str) -> Result<Option<bool>, RpcError> {
        match self.value(&[name]) {
            None => Ok(None),
            Some((Value::Bool(flag), _)) => Ok(Some(*flag)),
            Some(_) => Err(RpcError::params(format!("{name} must be true or false"))),
        }
    }

    /// `true`, `false`, or seconds.
    pub fn patience(&self, name: &str) -> Result<Option<Duration>, RpcError> {
        let wrong = || RpcError::params(format!("{name} must be true, false, or a number of seconds"));
        match self.value(&[name]) {
            None | Some((Value::Bool(false), _)) => Ok(None),
            Some((Value::Bool(true), _)) => Ok(Some(WAIT_DELIVERED)),
            Some((value, _)) => {
                let seconds = value.as_f64().ok_or_else(wrong)?;
                Duration::try_from_secs_f64(seconds).map(|wait| Some(wait.min(MAX_WAIT))).map_err(|_| wrong())
            }
        }
    }

    /// What signal-cli knows and is not here yet must not be passed over in silence.
    pub fn refuse(&self, names: &[&str], why: &str) -> Result<(), RpcError> {
        match self.value(names) {
            None | Some((Value::Bool(false), _)) => Ok(()),
            Some((Value::Array(values), _)) if values.is_empty() => Ok(()),
            Some((_, name)) => Err(RpcError::user(format!("{name}: {why}"))),
        }
    }
}

/// Programs write timestamps as text too.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn missing(names: &[&str]) -> RpcError {
    RpcError::params(format!("{} is missing", names.first().copied().unwrap_or("a parameter")))
}
