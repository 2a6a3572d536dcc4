//! A folder of this machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek as _, SeekFrom};
use std::path::PathBuf;

use super::{Cloud, CloudError};

/// See the module.
pub struct Folder(pub PathBuf);

impl Cloud for Folder {
    fn put(&self, name: &str, mut content: File, bytes: u64) -> Result<(), CloudError> {
        fs::create_dir_all(&self.0)?;
        let part = self.0.join(format!("{name}.part"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&part)?;
        let written = io::copy(&mut content, &mut file).and_then(|count| {
            if count == bytes { file.sync_all() } else { Err(ErrorKind::UnexpectedEof.into()) }
        });
        let kept = written.and_then(|()| fs::rename(&part, self.0.join(name)));
        if kept.is_err() {
            let _ = fs::remove_file(&part);
        }
        kept?;
        Ok(File::open(&self.0)?.sync_all()?)
    }

    fn read(&self, name: &str, from: u64) -> Result<Box<dyn Read>, CloudError> {
        let mut file = File::open(self.0.join(name))?;
        file.seek(SeekFrom::Start(from))?;
        Ok(Box::new(file))
    }

    fn delete(&self, name: &str) -> Result<(), CloudError> {
        match fs::remove_file(self.0.join(name)) {
            // The folder itself may not be there now: a stick that is not plugged in has it still.
            Err(error) if error.kind() == ErrorKind::NotFound && self.0.is_dir() => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(CloudError::Unreachable("the folder is not there".to_owned()))
            }
            other => Ok(other?),
        }
    }
}
