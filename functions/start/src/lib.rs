//! Starts campaigns and fans them out, lane by lane.
