//! The object store itself. A file lies there in segments, each an object named `PREFIX/FILE/NUMBER`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use data_encoding::{BASE64, HEXLOWER};
use futures_util::StreamExt as _;
use opendal::{ErrorKind, OperationContext, Operator, services};
use tokio::runtime::{Builder, Runtime};
use ureq::Agent;
use waxwing_wire::FileId;
use waxwing_wire::limits::MAX_URL_BYTES;

use super::super::keeper::Each;
use super::http::{Http, agent};
use super::sas::Sas;
use super::settings::{ObjectSettings, Service};
use super::sized::Sized;
use crate::limits::{OBJECT_CHECK_PAUSE, OBJECT_CHECK_TRIES, SEGMENT_BYTES, SEGMENT_LINK_SECONDS};

/// A place in an object store.
pub struct Bucket {
    operator: Operator,
    /// OpenDAL reads files of credentials through it; everything else is done when it is asked for.
    runtime: Runtime,
    /// How it is called in errors.
    name: String,
    azure: Option<Azure>,
    sized: Option<Sized>,
}

/// What there is of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// All of it.
    Whole,
    /// Not all of it.
    Part,
    /// More than there was to be, and this is deleted.
    TooMuch,
}

/// OpenDAL would hand out the operator's own token.
struct Azure {
    sas: Sas,
    /// `ENDPOINT/`, before `CONTAINER/PREFIX/FILE/NUMBER`.
    endpoint: String,
    root: String,
}

/// How many segments a file has.
pub fn segments(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(SEGMENT_BYTES)).unwrap_or(u32::MAX)
}

/// How large one of them is.
fn segment_bytes(bytes: u64, segment: u32) -> u64 {
    bytes.saturating_sub(u64::from(segment).saturating_mul(SEGMENT_BYTES)).min(SEGMENT_BYTES)
}

fn path(file: FileId, segment: u32) -> String {
    format!("{}/{segment}", file.to_hex())
}

impl Bucket {
    /// Nothing is asked of it yet.
    ///
    /// # Errors
    /// When the settings do not fit together.
    pub fn open(settings: &ObjectSettings) -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().build().context("cannot make a runtime")?;
        let operator = operator(settings)?;
        let context = OperationContext::new().with_http_transport(opendal::HttpTransporter::new(Http::new()));
        let operator = operator.with_context(context);
        let at = settings.endpoint.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
        let name = format!("{} {}{at}", settings.service.name(), settings.bucket);
        let (azure, sized) = (azure(settings)?, Sized::of(settings)?);
        Ok(Self { operator, runtime, name, azure, sized })
    }

    /// Where a segment of a file of so many bytes is to be put, for [`SEGMENT_LINK_SECONDS`].
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn put_url(&self, file: FileId, bytes: u64, segment: u32) -> anyhow::Result<String> {
        self.put_link(&path(file, segment), segment_bytes(bytes, segment))
    }

    /// Where a segment can be fetched, for as long.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn get_url(&self, file: FileId, segment: u32) -> anyhow::Result<String> {
        self.get_link(&path(file, segment))
    }

    fn put_link(&self, path: &str, bytes: u64) -> anyhow::Result<String> {
        if let Some(azure) = &self.azure {
            return azure.link(path, "cw");
        }
        let link = self.runtime.block_on(self.operator.presign_write(path, LINK_TIME))?;
        bounded(match &self.sized {
            Some(sized) => self.runtime.block_on(sized.sign(link.uri(), bytes))?,
            None => link.uri().to_string(),
        })
    }

    fn get_link(&self, path: &str) -> anyhow::Result<String> {
        if let Some(azure) = &self.azure {
            return azure.link(path, "r");
        }
        let link = self.runtime.block_on(self.operator.presign_read(path, LINK_TIME))?;
        bounded(link.uri().to_string())
    }

    /// What there is of a file of so many bytes. What is no segment of it, or a longer one than it has, is deleted.
    ///
    /// # Errors
    /// When the store does not say, or something that is too much may still be there.
    pub fn look(&self, file: FileId, bytes: u64) -> anyhow::Result<There> {
        let folder = file.to_hex();
        let mut lacks: BTreeSet<u32> = (0..segments(bytes)).collect();
        let mut too_much = Vec::new();
        for (name, there) in self.sizes(&folder)? {
            let segment = name.parse().ok().filter(|segment| *segment < segments(bytes));
            let wanted = segment.map_or(0, |segment| segment_bytes(bytes, segment));
            if segment.is_none() || there > wanted {
                too_much.push(format!("{folder}/{name}"));
            } else if there == wanted {
                segment.map(|segment| lacks.remove(&segment));
            }
        }
        if !too_much.is_empty() {
            self.runtime.block_on(self.operator.delete_iter(too_much))?;
            return Ok(There::TooMuch);
        }
        Ok(if lacks.is_empty() { There::Whole } else { There::Part })
    }

    /// Names and sizes of what is in a folder.
    fn sizes(&self, folder: &str) -> anyhow::Result<BTreeMap<String, u64>> {
        let entries = self.runtime.block_on(self.operator.list(&format!("{folder}/")))?;
        let files = entries.into_iter().filter(|entry| entry.metadata().is_file());
        Ok(files.map(|entry| (entry.name().to_owned(), entry.metadata().content_length())).collect())
    }

    /// Deletes whatever there is of a file. There may be nothing.
    ///
    /// # Errors
    /// When it may still be there.
    pub fn delete(&self, file: FileId) -> anyhow::Result<()> {
        let folder = file.to_hex();
        let paths: Vec<_> = self.sizes(&folder)?.into_keys().map(|name| format!("{folder}/{name}")).collect();
        if paths.is_empty() {
            return Ok(());
        }
        Ok(self.runtime.block_on(self.operator.delete_iter(paths))?)
    }

    /// See [`Keeper::each`](crate::media::Keeper::each). The store is asked for a page at a time.
    pub fn each(&self, each: &mut Each<'_>) -> anyhow::Result<()> {
        let all = self.operator.lister_with("").recursive(true).into_future();
        let mut lister = self.runtime.block_on(all)?;
        // Names come in their order, so a file's segments are together.
        let mut last: Option<(FileId, u64)> = None;
        while let Some(entry) = self.runtime.block_on(lister.next()) {
            let entry = entry?;
            let folder = entry.path().split_once('/').map(|(folder, _)| folder);
            let Some(file) = folder.and_then(FileId::from_hex) else { continue };
            let bytes = entry.metadata().content_length();
            match &mut last {
                Some((same, sum)) if *same == file => *sum += bytes,
                _ => {
                    if let Some((file, sum)) = last.replace((file, bytes))
                        && each(file, sum)?.is_break()
                    {
                        return Ok(());
                    }
                }
            }
        }
        if let Some((file, sum)) = last {
            let _ = each(file, sum)?;
        }
        Ok(())
    }

    /// Does once what clients and this server will do: an object is put and fetched by links, seen and deleted.
    ///
    /// # Errors
    /// What does not work, and what may be the reason.
    pub fn check(&self) -> anyhow::Result<()> {
        let mut drawn = [0; 8];
        getrandom::fill(&mut drawn).context("the system has no randomness")?;
        let (folder, client) = (format!("waxwing-check-{}", HEXLOWER.encode(&drawn)), agent());
        let path = format!("{folder}/0");
        for left in (0..OBJECT_CHECK_TRIES).rev() {
            match self.try_put(&client, &path, &drawn) {
                Ok(()) => break,
                Err(Put::Unreachable(error)) if left > 0 => {
                    tracing::warn!(%error, store = self.name, "the object store is not there yet");
                    std::thread::sleep(OBJECT_CHECK_PAUSE);
                }
                Err(Put::Unreachable(error)) => {
                    bail!(
                        "{} cannot be reached: {error}. Is media-endpoint right, and the store up?",
                        self.name
                    )
                }
                Err(Put::Refused(error)) => return Err(error),
            }
        }
        let seen = self.sizes(&folder);
        let seen =
            seen.with_context(|| format!("{}: objects cannot be listed: {}", self.name, rights("list")))?;
        ensure!(
            seen.get("0") == Some(&(drawn.len() as u64)),
            "{}: what was put is not listed: the store has to show at once what it was given",
            self.name
        );
        let link = self.get_link(&path)?;
        let got = client.get(&link).call().map_err(|error| answer_of(&error));
        let got = got.and_then(|mut answer| match answer.status().as_u16() {
            200 => answer.body_mut().read_to_vec().map_err(|error| answer_of(&error)),
            status => Err(format!("status {status}")),
        });
        match got {
            Ok(bytes) if bytes == drawn => {}
            Ok(_) => bail!("{}: what was put comes back as something else", self.name),
            Err(why) => bail!("{}: a presigned GET is refused ({why}): {}", self.name, rights("read")),
        }
        let more = format!("{folder}/1");
        if matches!(self.sized, Some(Sized::S3(_))) && self.takes_too_much(&client, &more, &drawn)? {
            tracing::warn!(
                store = self.name,
                "the object store takes more than a URL was signed for: what is too much goes when it is found"
            );
        }
        let deleted = self.runtime.block_on(self.operator.delete_iter([path, more]));
        deleted.with_context(|| format!("{}: objects cannot be deleted: {}", self.name, rights("delete")))?;
        ensure!(self.sizes(&folder)?.is_empty(), "{}: what was deleted is still there", self.name);
        Ok(())
    }

    fn try_put(&self, client: &Agent, path: &str, bytes: &[u8]) -> Result<(), Put> {
        let signed = self.put_link(path, bytes.len() as u64).map_err(|error| {
            Put::Refused(error.context(format!("{}: no presigned URLs can be made: {NO_LINKS}", self.name)))
        })?;
        let mut put = client.put(&signed);
        for (name, value) in self.put_headers() {
            put = put.header(name, value);
        }
        let mut answer = put.send(bytes).map_err(|error| Put::Unreachable(answer_of(&error)))?;
        let status = answer.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(());
        }
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        let code: String = code.map_or_else(String::new, |(code, _)| code.chars().take(64).collect());
        let why = format!("{}: a presigned PUT is refused (status {status} {code})", self.name);
        if matches!(status, 500..=599) {
            return Err(Put::Unreachable(why));
        }
        let hint = match code.as_str() {
            "NoSuchBucket" | "ContainerNotFound" => {
                "make the bucket, or set media-bucket to one that is there"
            }
            "InvalidAccessKeyId" => "media-access-key-id is not known to the store",
            "SignatureDoesNotMatch" | "AuthenticationFailed" => {
                "the secret or media-region is another than the store's, or its clock"
            }
            _ => "is the bucket there, and may the key put objects into it? See media-bucket, media-region",
        };
        Err(Put::Refused(anyhow::anyhow!("{why}: {hint}")))
    }

    /// Whether a body goes through that is longer than the URL was signed for.
    fn takes_too_much(&self, client: &Agent, path: &str, bytes: &[u8]) -> anyhow::Result<bool> {
        let link = self.put_link(path, bytes.len() as u64 - 1)?;
        // Whoever hangs up has not taken it.
        Ok(client.put(&link).send(bytes).is_ok_and(|answer| answer.status().is_success()))
    }

    /// What goes along with a PUT.
    pub fn put_headers(&self) -> Vec<(String, String)> {
        let azure = self.azure.iter().map(|_| ("x-ms-blob-type".to_owned(), "BlockBlob".to_owned()));
        azure.chain(self.sized.iter().flat_map(Sized::headers)).collect()
    }
}

pub const LINK_TIME: Duration = Duration::from_secs(SEGMENT_LINK_SECONDS);
const NO_LINKS: &str = "credentials that can sign are needed, an access key or a service account's; see \
                        media-secret-file";

/// Why a first object was not put.
enum Put {
    Unreachable(String),
    Refused(anyhow::Error),
}

fn rights(right: &str) -> String {
    format!("the key needs the right to {right} objects of this bucket")
}

/// Without the URL, which is a right.
fn answer_of(error: &ureq::Error) -> String {
    match error {
        ureq::Error::BadUri(_) => "the URL cannot be used".to_owned(),
        error => error.to_string(),
    }
}

/// Clients take none that is longer.
fn bounded(url: String) -> anyhow::Result<String> {
    ensure!(
        url.len() <= MAX_URL_BYTES,
        "a presigned URL has {} bytes; {MAX_URL_BYTES} are possible",
        url.len()
    );
    Ok(url)
}

fn operator(settings: &ObjectSettings) -> anyhow::Result<Operator> {
    let secret = settings.secret.as_ref().map(|secret| secret.0.as_str());
    let root = format!("/{}", settings.prefix);
    let made = match &settings.service {
        Service::S3 { region, key_id, virtual_host } => {
            let mut s3 = services::S3::default().root(&root).bucket(&settings.bucket).region(region);
            if let Some(endpoint) = &settings.endpoint {
                s3 = s3.endpoint(endpoint);
            }
            if let (Some(id), Some(secret)) = (key_id, secret) {
                s3 = s3
                    .access_key_id(id)
                    .secret_access_key(secret)
                    .disable_config_load()
                    .disable_ec2_metadata();
            }
            Operator::new(if *virtual_host { s3.enable_virtual_host_style() } else { s3 })
        }
        Service::Gcs => {
            let mut gcs = services::Gcs::default().root(&root).bucket(&settings.bucket);
            if let Some(endpoint) = &settings.endpoint {
                gcs = gcs.endpoint(endpoint);
            }
            if let Some(json) = secret {
                gcs = gcs
                    .credential(&BASE64.encode(json.as_bytes()))
                    .disable_config_load()
                    .disable_vm_metadata();
            }
            Operator::new(gcs)
        }
        Service::Azblob { account } => {
            let endpoint = azure_endpoint(settings, account);
            let azblob =
                services::Azblob::default().root(&root).container(&settings.bucket).endpoint(&endpoint);
            Operator::new(azblob.account_name(account).account_key(secret.unwrap_or_default()))
        }
    };
    made.map_err(|error| match error.kind() {
        ErrorKind::ConfigInvalid => anyhow::anyhow!("the settings of the object store do not fit: {error}"),
        _ => anyhow::Error::new(error),
    })
}

fn azure_endpoint(settings: &ObjectSettings, account: &str) -> String {
    settings.endpoint.clone().unwrap_or_else(|| format!("https://{account}.blob.core.windows.net"))
}

fn azure(settings: &ObjectSettings) -> anyhow::Result<Option<Azure>> {
    let Service::Azblob { account } = &settings.service else { return Ok(None) };
    let key = settings.secret.as_ref().context("Azure: the account's key is missing")?;
    let prefix = if settings.prefix.is_empty() { String::new() } else { format!("{}/", settings.prefix) };
    Ok(Some(Azure {
        sas: Sas::new(account, &key.0)?,
        endpoint: azure_endpoint(settings, account),
        root: format!("{}/{prefix}", settings.bucket),
    }))
}

impl Azure {
    fn link(&self, path: &str, may: &str) -> anyhow::Result<String> {
        let until = jiff::Timestamp::now().checked_add(LINK_TIME).context("the clock is wrong")?;
        let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let path = format!("{}{path}", self.root);
        bounded(format!("{}/{path}?{}", self.endpoint, self.sas.query(&path, may, &until)))
    }
}

impl Service {
    fn name(&self) -> &'static str {
        match self {
            Self::S3 { .. } => "S3 bucket",
            Self::Gcs => "Google bucket",
            Self::Azblob { .. } => "Azure container",
        }
    }
}
