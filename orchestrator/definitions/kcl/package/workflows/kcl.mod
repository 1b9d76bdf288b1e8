[package]
name = "workflows"
edition = "v0.13.2"
version = "0.1.0"
description = "Schemas for batch workflows of the orchestrator"
