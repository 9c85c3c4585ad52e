//! Folders that vanish: an unmounted share, a link that is switched, a folder that is renamed.

use std::fs;
use std::path::{Path, PathBuf};

use rag_core::document::{Unread, UnreadKind};
use rag_core::store::{Access, NewDocument, Store};
use rag_core::{Call, KnowledgeBase, Missing, Plan, SyncOptions, SyncReport};

struct Place {
    directory: tempfile::TempDir,
    kb: KnowledgeBase,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let kb = super::open(directory.path(), &super::odd_files::tiny_encoder());
        Self { directory, kb }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Files `0.txt`, `1.txt`, ... of a folder, no two alike.
    fn fill(&self, folder: &str, count: usize) {
        fs::create_dir_all(self.path(folder)).unwrap();
        for number in 0..count {
            let text = format!("The fee number {number} of {folder} is {number} euros.");
            fs::write(self.path(folder).join(format!("{number}.txt")), text).unwrap();
        }
    }

    fn empty(&self, folder: &str) {
        fs::remove_dir_all(self.path(folder)).unwrap();
        fs::create_dir(self.path(folder)).unwrap();
    }

    fn sync_with(&self, root: &str, options: &SyncOptions) -> SyncReport {
        let roots = [self.path(root)];
        self.kb.sync_with(&roots, options, Call::new()).unwrap()
    }

    fn sync(&self, root: &str) -> SyncReport {
        self.sync_with(root, &SyncOptions::default())
    }

    fn forced(&self, root: &str, missing: Missing) -> SyncReport {
        self.sync_with(root, &SyncOptions { missing, ..SyncOptions::default() })
    }

    /// The names of what is held, without the folder that all is in.
    fn held(&self) -> Vec<String> {
        let above = self.directory.path().canonicalize().unwrap();
        let name = |uri: String| {
            Path::new(&uri).strip_prefix(&above).unwrap().to_string_lossy().into_owned()
        };
        let documents = self.kb.documents(None).unwrap();
        documents.into_iter().map(|document| name(document.uri)).collect()
    }
}

#[test]
fn documents_of_an_emptied_folder_stay_until_a_word_is_said() {
    for count in [1, 3, 12] {
        let place = Place::new();
        place.fill("share", count);
        place.sync("share");
        place.empty("share");
        let dry = SyncOptions { plan: Plan::DryRun, ..SyncOptions::default() };
        for report in [place.sync_with("share", &dry), place.sync("share"), place.sync("share")] {
            assert_eq!((report.removed, report.missing.len()), (0, count));
        }
        assert_eq!(place.forced("share", Missing::Keep).missing.len(), count);
        assert_eq!(place.held().len(), count);
        assert_eq!(place.forced("share", Missing::Remove).removed, count);
        assert!(place.held().is_empty());
    }
}

#[test]
fn documents_of_a_share_that_is_mounted_again_are_unchanged() {
    let place = Place::new();
    place.fill("share", 3);
    place.sync("share");
    fs::rename(place.path("share"), place.path("elsewhere")).unwrap();
    fs::create_dir(place.path("share")).unwrap();
    assert_eq!(place.sync("share").missing.len(), 3);
    fs::remove_dir(place.path("share")).unwrap();
    fs::rename(place.path("elsewhere"), place.path("share")).unwrap();
    let report = place.sync("share");
    assert_eq!((report.unchanged, report.added, report.missing.len()), (3, 0, 0));
}

#[test]
fn more_than_half_of_ten_stay_and_fewer_go() {
    let place = Place::new();
    place.fill("docs", 12);
    place.sync("docs");
    (0..6).for_each(|number| fs::remove_file(place.path(&format!("docs/{number}.txt"))).unwrap());
    assert_eq!(place.sync("docs").removed, 6);
    place.fill("docs", 12);
    place.sync("docs");
    (0..7).for_each(|number| fs::remove_file(place.path(&format!("docs/{number}.txt"))).unwrap());
    let report = place.sync("docs");
    assert_eq!((report.removed, report.missing.len()), (0, 7));
    assert!(report.missing.iter().all(|path| path.is_absolute()));
}

#[test]
fn one_root_that_is_empty_does_not_hold_up_the_other() {
    let place = Place::new();
    place.fill("share", 3);
    place.fill("own", 3);
    let roots = [place.path("share"), place.path("own")];
    let sync = || {
        let options = SyncOptions::default();
        place.kb.sync_with(&roots, &options, Call::new()).unwrap()
    };
    sync();
    place.empty("share");
    fs::remove_file(place.path("own/0.txt")).unwrap();
    fs::write(place.path("own/new.txt"), "A new fee.").unwrap();
    let report = sync();
    assert_eq!((report.removed, report.added, report.missing.len()), (1, 1, 3));
}

#[test]
fn what_is_excluded_is_there_and_goes_without_a_word() {
    let place = Place::new();
    place.fill("docs", 12);
    place.sync("docs");
    let mut options = SyncOptions { missing: Missing::Keep, ..SyncOptions::default() };
    options.walk.exclude = vec!["*.txt".to_owned()];
    let report = place.sync_with("docs", &options);
    assert_eq!((report.removed, report.missing.len()), (12, 0));
}

#[test]
fn a_mount_point_inside_a_root_counts_by_itself() {
    let place = Place::new();
    place.fill("docs", 30);
    place.fill("docs/share/deep", 10);
    place.sync("docs");
    place.empty("docs/share");
    let report = place.sync("docs");
    assert_eq!((report.removed, report.missing.len()), (0, 10));
    // a folder that is gone too was removed on purpose
    fs::remove_dir(place.path("docs/share")).unwrap();
    assert_eq!(place.sync("docs").removed, 10);
}

#[cfg(unix)]
mod links {
    use super::*;
    use std::os::unix::fs::symlink;

    fn switch(place: &Place, to: &str) {
        let _ = fs::remove_file(place.path("current"));
        symlink(place.path(to), place.path("current")).unwrap();
    }

    #[test]
    fn a_switched_link_leaves_one_document() {
        let place = Place::new();
        for (folder, text) in [("v1", "The fee is 30 euros."), ("v2", "The fee is 45 euros.")] {
            fs::create_dir(place.path(folder)).unwrap();
            fs::write(place.path(folder).join("fees.txt"), text).unwrap();
            fs::write(place.path(folder).join("same.txt"), "The gate is green.").unwrap();
        }
        switch(&place, "v1");
        assert_eq!(place.sync("current").added, 2);
        fs::write(place.path("v2/more.txt"), "The tide is low.").unwrap();
        switch(&place, "v2");
        let report = place.sync("current");
        assert_eq!((report.added, report.updated, report.renamed), (1, 1, 1));
        assert_eq!((report.removed, report.missing.len()), (0, 0));
        assert_eq!(place.held(), ["v2/fees.txt", "v2/more.txt", "v2/same.txt"]);
        let store = Store::open(place.kb.path(), Access::ReadOnly).unwrap();
        assert_eq!(store.lexical("45", 9).unwrap().len(), 1);
        assert!(store.lexical("30", 9).unwrap().is_empty());
        assert_eq!(place.sync("current").unchanged, 3);
    }

    #[test]
    fn a_link_that_is_switched_to_an_empty_folder_loses_nothing() {
        let place = Place::new();
        place.fill("v1", 3);
        fs::create_dir(place.path("v2")).unwrap();
        switch(&place, "v1");
        place.sync("current");
        switch(&place, "v2");
        let report = place.sync("current");
        assert_eq!((report.removed, report.missing.len()), (0, 3));
        // the next look must still know where they came from
        assert_eq!(place.sync("current").missing.len(), 3);
        assert_eq!(place.forced("current", Missing::Remove).removed, 3);
    }

    #[test]
    fn a_folder_with_a_name_of_its_own_stays_when_a_link_leaves_it() {
        let place = Place::new();
        place.fill("v1", 2);
        place.fill("v2", 2);
        switch(&place, "v1");
        place.sync("v1");
        place.sync("current");
        switch(&place, "v2");
        assert_eq!(place.sync("current").added, 2);
        assert_eq!(place.held(), ["v1/0.txt", "v1/1.txt", "v2/0.txt", "v2/1.txt"]);
    }
}

#[test]
fn a_folder_that_is_renamed_and_synced_anew_keeps_its_documents() {
    let place = Place::new();
    place.fill("d1", 3);
    place.sync("d1");
    fs::rename(place.path("d1"), place.path("d2")).unwrap();
    let report = place.sync("d2");
    assert_eq!((report.renamed, report.added), (3, 0));
    assert_eq!(place.held(), ["d2/0.txt", "d2/1.txt", "d2/2.txt"]);
}

#[test]
fn a_copy_is_no_rename() {
    let place = Place::new();
    place.fill("d1", 2);
    place.sync("d1");
    fs::create_dir(place.path("d2")).unwrap();
    fs::copy(place.path("d1/0.txt"), place.path("d2/0.txt")).unwrap();
    let report = place.sync("d2");
    assert_eq!((report.renamed, report.added), (0, 1));
    assert_eq!(place.held().len(), 3);
}

#[test]
fn what_was_not_read_is_listed_and_is_no_metadata() {
    let place = Place::new();
    place.fill("docs", 1);
    place.sync("docs");
    let unread = [Unread { kind: UnreadKind::Picture, count: 2, names: vec!["a.png".into()] }];
    let forged = [("rag:unread".to_owned(), "[]".to_owned()), ("by".to_owned(), "Ada".to_owned())];
    let row = NewDocument {
        uri: "note",
        size_bytes: 1,
        mtime_ns: 1,
        hash: [7; 32],
        kind: "pdf",
        title: None,
        lang: None,
        text: "x",
        source_map: &[],
        metadata: &forged.into(),
        unread: &unread,
    };
    let store = Store::open(place.kb.path(), Access::ReadWrite).unwrap();
    store.put_document(&row, &[], &[]).unwrap();
    let listed = place.kb.documents(None).unwrap();
    let note = listed.iter().find(|document| document.uri == "note").unwrap();
    assert_eq!(note.unread, unread);
    assert_eq!(note.metadata.keys().collect::<Vec<_>>(), ["by"]);
    assert!(place.kb.check().unwrap().is_empty());
}
