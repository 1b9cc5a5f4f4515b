//! The DynamoDB adapter: every conditional write of the project.
