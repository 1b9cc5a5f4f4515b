//! An own folder, and the program at work in it.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use fanmail_inbox::{Inbox, InboxConfig, Script};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longer than any command here takes, even on a machine with other things to do.
pub(crate) const LONG: Duration = Duration::from_secs(180);

/// A function whose host was killed looks every half a second whether it still lives.
const ORPHANS: Duration = Duration::from_secs(10);

/// A folder, and what the program is told in it.
pub(crate) struct Scene {
    folder: TempDir,
}

/// A command that came to its end.
#[derive(Debug)]
pub(crate) struct Done {
    status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command under way.
pub(crate) struct Running(Child);

impl Scene {
    /// A folder with `list.csv` of `people` rows and `mail.html`.
    pub(crate) fn new(people: usize) -> Self {
        let scene = Self { folder: tempfile::Builder::new().prefix("fanmail-cli-").tempdir().unwrap() };
        let rows: String = (0..people).map(|n| format!("p{n}@example.org,Person {n}\n")).collect();
        scene.write("list.csv", format!("email,name\n{rows}"));
        scene.write(
            "mail.html",
            "<p>Dear {{ subscriber.name }},</p><a href=\"{{ unsubscribe_url }}\">no more</a>",
        );
        fs::create_dir(scene.path("tmp")).unwrap();
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Names in the folder, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanmail"));
        command.args(args).current_dir(self.folder.path()).env("TMPDIR", self.path("tmp"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // As a shell does it: the command and what it starts are what a terminal's Ctrl-C goes to.
        command.process_group(0).kill_on_drop(true);
        command
    }

    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running(self.command(args).spawn().unwrap())
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, args: &[&str]) -> Done {
        self.start(args).end().await
    }

    /// `send` with everything it needs, and more arguments; a later argument does not replace one of these.
    pub(crate) async fn send(&self, more: &[&str]) -> Done {
        self.run(&send(more)).await
    }

    /// Nothing is left: no process that was started here, no temporary file.
    pub(crate) async fn is_quiet(&self) {
        self.processes_end().await;
        assert_eq!(names(&self.path("tmp")), [""; 0], "temporary files are left");
    }

    /// Every process that was started here ends by itself.
    pub(crate) async fn processes_end(&self) {
        let gone = async {
            while !self.processes().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let left = timeout(ORPHANS, gone).await;
        assert!(left.is_ok(), "processes are left: {:?}", self.processes());
    }

    /// Processes whose working folder is this one: the program and its functions.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let here = self.folder.path().canonicalize().unwrap();
        let pids = names(Path::new("/proc")).into_iter().filter_map(|name| name.parse().ok());
        pids.filter(|pid: &i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == here))
            .collect()
    }
}

/// The arguments of a `send` in a scene.
pub(crate) fn send<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["send", "--list", "list.csv", "--template", "mail.html"];
    args.extend(["--subject", "Hello {{ subscriber.first_name }}", "--from", "Acme <news@acme.example>"]);
    args.extend(more);
    args
}

impl Running {
    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().unwrap().cast_signed()).unwrap()
    }

    /// Ctrl-C on a terminal: to the whole process group.
    pub(crate) fn ctrl_c(&self) {
        kill_process_group(self.pid(), Signal::INT).unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    pub(crate) async fn end(self) -> Done {
        let output =
            timeout(LONG, self.0.wait_with_output()).await.expect("the command does not end").unwrap();
        Done::from(output)
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Done {
    /// The exit status, which has to be `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "signal {:?}, {self:#?}", self.status.signal());
        self
    }

    /// The table's row of this label.
    #[track_caller]
    pub(crate) fn row(&self, label: &str) -> &str {
        let row = self.stdout.lines().find_map(|line| line.strip_prefix("  ")?.strip_prefix(label));
        row.unwrap_or_else(|| panic!("no row {label} in {self:#?}")).trim()
    }

    /// What follows `before` on its line of the standard output or error.
    #[track_caller]
    pub(crate) fn after(&self, before: &str) -> &str {
        let lines = self.stdout.lines().chain(self.stderr.lines());
        let rest = lines.filter_map(|line| line.split_once(before)).map(|(_, rest)| rest).next();
        rest.unwrap_or_else(|| panic!("no {before} in {self:#?}")).trim_end_matches('.')
    }
}

/// A relay that outlives the program and counts.
pub(crate) async fn relay(script: Script) -> (Inbox, String) {
    let inbox = Inbox::start(InboxConfig { script, ..InboxConfig::default() }).await.unwrap();
    let url = format!("smtp://{}", inbox.smtp_addr());
    (inbox, url)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}
