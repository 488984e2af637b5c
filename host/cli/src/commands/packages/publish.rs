//! `fn publish`: build, try, pack, push, sign. Doing it again changes nothing.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Result;
use bytes::Bytes;
use host_core::package::{PackageId, PackageName};
use host_wire::package::{PackageVersion, State};
use marketplace::{
    catalogue,
    client::{self, Published},
    layout::{self, CaseFile, Docs, Draft, Packed, most},
    sign::SecretKey,
};
use semver::Version;
use serde_json::json;

use super::{sign, trial};
use crate::{
    args::PublishArgs,
    build,
    client::Client,
    commands::key,
    project::Project,
    sources::{self, Shelf},
    ui::{Exit, Printer, Stop},
};

/// The key that signs where none is named.
const DEFAULT: &str = "default";
/// How long a host may take to look at what was published, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(600);
const EVERY: Duration = Duration::from_millis(300);
/// How deep folders among the cases may be.
const DEPTH: usize = 4;

/// Publishes the function of a folder.
pub(super) async fn run(args: &PublishArgs, client: &Client, printer: &Printer) -> Result<()> {
    let project = Project::open(&args.source)?;
    let shelf = sources::open(&args.to, client)?;
    let id = id(args, &shelf, &project)?;
    let key = signer(args)?;
    let packed = pack(args, &project, &id, printer).await?;
    let stop = |error| shelf.stop(&error);
    let published = client::publish(shelf.place(), &id.package, &id.version, &packed).await.map_err(stop)?;
    let fetched = client::fetch(shelf.place(), &id.package, &id.version).await.map_err(stop)?;
    let signed_by = match &key {
        Some(key) => Some(sign::put(&shelf, &fetched, key).await?),
        None => None,
    };
    wait(&shelf, &id, printer).await?;
    let digest = packed.package.manifest.digest;
    let is_new = published == Published::New;
    let answer = json!({ "package": id.package, "version": id.version, "digest": digest, "new": is_new, "signed_by": signed_by });
    printer.answer(&answer, || format!("{id} {digest}"));
    let how = if is_new { "is published at" } else { "was published already at" };
    printer.done(&format!("{id} {how} {}", shelf.place().address()));
    match signed_by {
        Some(key) => printer.say(&format!("  signed by {}", key.short())),
        None => printer.next(&format!("fn key new, then fn sign {id} --from {}", args.to)),
    }
    Ok(())
}

/// What the package will be called.
fn id(args: &PublishArgs, shelf: &Shelf, project: &Project) -> Result<PackageId, Stop> {
    let place = || project.home().join("function.toml").display().to_string();
    let namespace = args.namespace.clone().or_else(|| shelf.namespace.clone()).ok_or_else(|| {
        Stop::new(Exit::Usage, "say in which namespace to publish").hint("fn publish --namespace NAME")
    })?;
    let package: PackageName = format!("{namespace}/{}", project.manifest.name)
        .parse()
        .map_err(|error: host_core::package::InvalidPackageName| Stop::new(Exit::Usage, error.to_string()))?;
    let version = project.manifest.version.as_deref().ok_or_else(|| {
        Stop::new(Exit::Usage, "the manifest has no version").at(place()).hint("add `version = \"0.1.0\"`")
    })?;
    let version: Version = version.parse().map_err(|error| {
        Stop::new(Exit::Usage, format!("`{version}` is no version: {error}")).at(place()).hint("write it like 1.2.0")
    })?;
    Ok(PackageId { package, version })
}

fn signer(args: &PublishArgs) -> Result<Option<SecretKey>, Stop> {
    match &args.key {
        _ if args.no_sign => Ok(None),
        Some(key) => key::secret(key).map(Some),
        None => key::secret_if_any(DEFAULT),
    }
}

/// Builds, tries and packs; everything that is missing is told at once.
async fn pack(args: &PublishArgs, project: &Project, id: &PackageId, printer: &Printer) -> Result<Packed> {
    let component: Bytes = match &args.component {
        Some(file) => build::stamped(project, file)?.into(),
        None => build::component(project, !args.no_build, printer)?.into(),
    };
    let revision = revision(project.home());
    let component = match &revision {
        Some(revision) => build::at_revision(component, revision),
        None => component,
    };
    let mut draft = Draft {
        id: id.clone(),
        manifest: project.manifest.clone(),
        component,
        imports: Vec::new(),
        exports: Vec::new(),
        revision,
        docs: docs(project)?,
    };
    let refused = |what: String| Stop::new(Exit::Refused, format!("could not publish {id}: {what}"));
    let packed = layout::pack(&draft).map_err(|error| refused(error.to_string()))?;
    let package = layout::read(&packed.package.manifest.bytes).map_err(|error| refused(error.to_string()))?;
    let findings = catalogue::check(&package);
    if !findings.is_empty() {
        let place = project.home().join("function.toml").display().to_string();
        return Err(refused(findings.join("; ")).at(place).into());
    }
    let inspection = trial::run(project, &draft.component, printer).await?;
    (draft.imports, draft.exports) = (inspection.imports, inspection.exports);
    Ok(layout::pack(&draft).map_err(|error| refused(error.to_string()))?)
}

fn docs(project: &Project) -> Result<Docs, Stop> {
    let read = |file: PathBuf, most: u64| {
        let failed =
            |error: std::io::Error| Stop::new(Exit::Usage, format!("could not read {}: {error}", file.display()));
        if file.metadata().map_err(failed)?.len() > most {
            return Err(Stop::new(Exit::Usage, format!("{} has more than {most} bytes", file.display())));
        }
        std::fs::read(&file).map_err(failed)
    };
    let readme = project.home().join("README.md");
    let readme = if readme.is_file() { Some(read(readme, most::README)?) } else { None };
    let icon = match &project.manifest.icon {
        Some(file) => Some(read(inside(project.home(), file)?, most::ICON)?.into()),
        None => None,
    };
    let readme = readme.map(String::from_utf8).transpose();
    let readme = readme.map_err(|_| Stop::new(Exit::Usage, "README.md is not UTF-8 text"))?;
    Ok(Docs { readme, cases: cases(project)?, icon })
}

/// A file that the manifest names stays within its folder.
fn inside(folder: &Path, file: &str) -> Result<PathBuf, Stop> {
    let path = folder.join(file);
    let is_within = |path: &Path| Some(path.canonicalize().ok()?.starts_with(folder.canonicalize().ok()?));
    match is_within(&path) {
        Some(true) => Ok(path),
        _ => Err(Stop::new(Exit::Usage, format!("`{file}` is not a file within the function's folder"))
            .at(folder.join("function.toml").display().to_string())),
    }
}

/// Everything below `cases/`.
pub(super) fn cases(project: &Project) -> Result<Vec<CaseFile>, Stop> {
    let mut files = Vec::new();
    collect(&project.cases(), "", 0, &mut files)?;
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<CaseFile>) -> Result<(), Stop> {
    let failed = |path: &Path, error: std::io::Error| {
        Stop::new(Exit::Usage, format!("could not read {}: {error}", path.display()))
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.map_err(|error| failed(folder, error))?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(|error| failed(&path, error))?;
        if kind.is_dir() && depth < DEPTH {
            collect(&path, &format!("{name}/"), depth + 1, files)?;
        } else if kind.is_file() && !entry.file_name().to_string_lossy().starts_with('.') {
            if files.len() >= most::CASE_FILES || entry.metadata().is_ok_and(|it| it.len() > most::CASES) {
                return Err(Stop::new(Exit::Usage, "there is more among the cases than a package takes")
                    .at(path.display().to_string()));
            }
            let bytes = std::fs::read(&path).map_err(|error| failed(&path, error))?;
            files.push(CaseFile { name, bytes: bytes.into() });
        }
    }
    Ok(())
}

/// The last commit that changed the folder, where git knows one and nothing was changed since: it stays the same while
/// others change, and so do the bytes of the package.
fn revision(folder: &Path) -> Option<String> {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(folder).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let is_clean = git(&["status", "--porcelain", "--", "."])?.is_empty();
    git(&["log", "-1", "--format=%H", "--", "."]).filter(|it| is_clean && it.len() >= 40)
}

/// A host looks at what it offers by itself; whoever publishes learns what came of it.
async fn wait(shelf: &Shelf, id: &PackageId, printer: &Printer) -> Result<(), Stop> {
    let Some(client) = shelf.catalogue() else { return Ok(()) };
    let path = format!("/api/v1/packages/{}/versions/{}", id.package, id.version);
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let version: PackageVersion = client.get(&path, &[]).await?;
        let reason = version.reason.unwrap_or_default();
        match version.state {
            State::Listed => return Ok(()),
            State::Refused => {
                return Err(Stop::new(Exit::Refused, format!("the host does not offer {id}: {reason}")));
            }
            State::Pending if tokio::time::Instant::now() > end => {
                printer.warn(&format!("the host has not looked at {id} yet: {reason}"));
                return Ok(());
            }
            State::Pending => tokio::time::sleep(EVERY).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_manifest_stays_within_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own");
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("icon.svg"), "<svg/>").unwrap();
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        assert!(inside(&own, "icon.svg").is_ok());
        for wrong in ["../secret", "/etc/hostname", "missing.svg"] {
            assert!(inside(&own, wrong).is_err(), "{wrong}");
        }
        std::os::unix::fs::symlink(folder.path().join("secret"), own.join("link.svg")).unwrap();
        assert!(inside(&own, "link.svg").is_err());
    }
}
