//! Tests of the intake against a small model of the server.
