//! One cold start, watched.

use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanmail_lambda_host::ProcessUsage;

use super::Binary;
use crate::machine::{is_waiting, process_cpu_ns};

/// What one cold start took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColdStart {
    /// From the request to start the process to its first question.
    pub wall: Duration,
    /// CPU time of all its threads until then.
    pub cpu: Duration,
    /// Largest resident set until then, in KiB.
    pub peak_rss_kib: u64,
}

/// Why a cold start could not be watched.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The machine.
    #[error("{0}")]
    Io(&'static str, #[source] io::Error),
    /// The function said that it cannot start, or ended.
    #[error("the function {0} did not ask for an invocation; it said: {1}")]
    NotServing(String, String),
}

/// A function that does not ask by then never will: AWS's limit for the initialisation is 10 s.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often to look whether a function has ended, or waits.
const LOOK_EVERY: Duration = Duration::from_micros(50);
/// Having asked, a function waits for the answer.
const SETTLES_WITHIN: Duration = Duration::from_millis(100);
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next ";
/// Search path on `provided.al2023`.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/opt/bin";

/// What the template sets, in values of the right form.
const ENVIRONMENT: [(&str, &str); 21] = [
    ("PATH", PATH),
    ("LANG", "en_US.UTF-8"),
    ("TZ", ":UTC"),
    ("AWS_REGION", "eu-west-1"),
    ("AWS_DEFAULT_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "example"),
    ("AWS_SESSION_TOKEN", "example"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[1]0123456789abcdef0123456789abcdef"),
    ("FANMAIL_AUDIENCE_TABLE", "bench-audience"),
    ("FANMAIL_CAMPAIGNS_TABLE", "bench-campaigns"),
    ("FANMAIL_LANES_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/000000000000/bench-lanes"),
    ("FANMAIL_BATCHES_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/000000000000/bench-batches"),
    ("FANMAIL_STACK", "bench"),
    ("FANMAIL_PUBLIC_URL", "https://mail.example.com"),
    ("FANMAIL_UNSUBSCRIBE_KEY", "a key of the benchmark, which signs nothing"),
    ("FANMAIL_PROVIDER", "ses"),
    ("FANMAIL_SENDER_FUNCTION", "bench-sender"),
];

/// Starts `binary` and watches it until it asks for its first invocation.
///
/// # Errors
///
/// [`ProbeError`] if it does not.
pub fn probe(binary: &Binary) -> Result<ColdStart, ProbeError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io_error("open a port"))?;
    listener.set_nonblocking(true).map_err(io_error("open a port"))?;
    let address = listener.local_addr().map_err(io_error("open a port"))?;
    let mut command = Command::new(&binary.path);
    command.env_clear().envs(ENVIRONMENT).env("AWS_LAMBDA_RUNTIME_API", address.to_string());
    command.env("AWS_LAMBDA_FUNCTION_NAME", format!("bench-{}", binary.name));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = Buried(command.spawn().map_err(io_error("start a function"))?);
    let asked = first_request(&listener, &mut child.0, started);
    let wall = started.elapsed();
    let pid = child.0.id();
    let until = Instant::now() + SETTLES_WITHIN;
    while !is_waiting(pid) && Instant::now() < until {
        std::thread::sleep(LOOK_EVERY);
    }
    let cold = ColdStart {
        wall,
        cpu: Duration::from_nanos(process_cpu_ns(pid)),
        peak_rss_kib: ProcessUsage::of(pid).peak_rss_kib,
    };
    match asked {
        // The connection was open until here: a function that loses it ends.
        Ok((request, _)) if request.starts_with(NEXT) => Ok(cold),
        Ok((request, _)) => Err(ProbeError::NotServing(binary.name.clone(), request)),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            Err(ProbeError::NotServing(binary.name.clone(), child.last_words()))
        }
        Err(error) => Err(ProbeError::Io("read a function's first request", error)),
    }
}

/// The first request of the process and its connection, or the error that it ended or never came.
fn first_request(
    listener: &TcpListener,
    child: &mut Child,
    since: Instant,
) -> io::Result<(String, TcpStream)> {
    loop {
        match listener.accept() {
            Ok((connection, _)) => return read_request(connection),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if since.elapsed() > PATIENCE || child.try_wait()?.is_some() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Head and, of a report that the function cannot start, body.
fn read_request(mut connection: TcpStream) -> io::Result<(String, TcpStream)> {
    connection.set_nonblocking(false)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    let (mut request, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        let read = connection.read(&mut buffer)?;
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        let whole = text.contains("\r\n\r\n") && (text.starts_with("GET ") || text.ends_with('}'));
        if read == 0 || whole {
            return Ok((text.into_owned(), connection));
        }
    }
}

/// Killed and waited for, whatever happens.
struct Buried(Child);

impl Buried {
    /// What it printed, once it has ended.
    fn last_words(&mut self) -> String {
        // It may have ended before.
        let _ = self.0.kill();
        let mut words = String::new();
        for pipe in [self.0.stdout.take().map(Either::Out), self.0.stderr.take().map(Either::Err)] {
            // What cannot be read is not said.
            let _ = pipe.map(|mut pipe| pipe.read_to_string(&mut words));
        }
        words
    }
}

enum Either {
    Out(std::process::ChildStdout),
    Err(std::process::ChildStderr),
}

impl Read for Either {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Out(pipe) => pipe.read(buffer),
            Self::Err(pipe) => pipe.read(buffer),
        }
    }
}

impl Drop for Buried {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn io_error(what: &'static str) -> impl FnOnce(io::Error) -> ProbeError {
    move |error| ProbeError::Io(what, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that plays a function.
    fn played(script: &str) -> (tempfile::TempDir, Binary) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sender");
        // By another process: a file that a child of this one inherited for writing could not be started.
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"printf '%s' "$SCRIPT" > "$1" && chmod 700 "$1""#, "sh"]).arg(&path);
        assert!(shell.env("SCRIPT", format!("#!/bin/bash\n{script}\n")).status().unwrap().success());
        (folder, Binary { name: "sender".into(), path })
    }

    const ASKS: &str = r#"exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}"
        printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n' >&3
        read -r <&3"#;

    #[test]
    fn what_a_function_uses_before_its_first_question_is_counted() {
        let (_folder, idle) = played(ASKS);
        let (_other, busy) = played(&format!("for ((n = 0; n < 200000; n++)); do :; done\n{ASKS}"));
        let (idle, busy) = (probe(&idle).unwrap(), probe(&busy).unwrap());
        assert!(busy.cpu > idle.cpu * 3, "{idle:?} {busy:?}");
        assert!(busy.wall >= busy.cpu && idle.peak_rss_kib > 500, "{idle:?} {busy:?}");
    }

    #[test]
    fn a_function_that_cannot_start_is_named_with_its_reason() {
        let (_folder, binary) = played("echo FANMAIL_X is not set >&2; exit 1");
        let error = probe(&binary).unwrap_err().to_string();
        assert!(error.contains("sender did not ask") && error.contains("FANMAIL_X is not set"), "{error}");
    }

    #[test]
    fn a_report_that_a_function_cannot_start_is_no_question() {
        let report = ASKS.replace("GET /2018-06-01/runtime/invocation/next", "POST /init/error");
        let (_folder, binary) = played(&report.replace(r"\r\n\r\n", r"\r\n\r\n{}"));
        let error = probe(&binary).unwrap_err().to_string();
        assert!(error.contains("POST /init/error"), "{error}");
    }
}
