//! What a task is: names, lanes, states, failures. No I/O, no serde.
