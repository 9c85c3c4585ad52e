//! Both builders, held to the same.

use super::codes::{Code, Codes};
use super::graph::{Graph, Links, Reach};
use super::hnsw::HnswRs;
use super::native::Native;
use super::{BuildOptions, GraphBuilder, flat};
use crate::error::{Error, Result};
use crate::progress::CancelToken;

const DIM: usize = 16;

/// Unit vectors around a few centres, from a fixed seed.
fn clustered(count: usize) -> Vec<f32> {
    let mut state = 7u64;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let centres: Vec<f32> = (0..8 * DIM).map(|_| next()).collect();
    let mut vectors = Vec::with_capacity(count * DIM);
    for row in 0..count {
        let centre = &centres[row % 8 * DIM..][..DIM];
        let vector: Vec<f32> = centre.iter().map(|x| x + next() * 0.4).collect();
        let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vectors.extend(vector.iter().map(|x| x / norm));
    }
    vectors
}

fn codes(vectors: &[f32]) -> Codes {
    let mut codes = Codes::new(DIM);
    vectors.chunks_exact(DIM).for_each(|row| codes.push(row));
    codes
}

fn packed(builder: &dyn GraphBuilder, vectors: &[f32]) -> (Graph, Codes) {
    let codes = codes(vectors);
    let links = builder.build(&codes, vectors, &CancelToken::new());
    (Graph::pack(links.expect("sound vectors"), &codes).expect("has nodes"), codes)
}

fn builders() -> [Box<dyn GraphBuilder>; 2] {
    [Box::new(Native::default()), Box::new(HnswRs::default())]
}

#[test]
fn many_equal_vectors_are_all_reached_and_crowd_no_node() {
    const COUNT: usize = 60_000;
    let distinct = clustered(8);
    let rows = (0..COUNT).map(|row| &distinct[row % 4 * DIM..][..DIM]);
    let vectors: Vec<f32> = rows.flatten().copied().collect();
    let (graph, codes) = packed(&Native::default(), &vectors);
    let found = graph.search(&codes, &Code::new(&vectors[..DIM]), COUNT, COUNT);
    assert_eq!(found.len(), COUNT);
    assert!(graph.most_links() <= 200, "{}", graph.most_links());
}

#[test]
fn graph_finds_what_the_scan_finds() {
    let vectors = clustered(1000);
    for builder in builders() {
        let (graph, codes) = packed(builder.as_ref(), &vectors);
        let (mut found, mut kept, mut wanted) = (0, 0, 0);
        for row in vectors.chunks_exact(DIM).step_by(20) {
            let query = Code::new(row);
            let exact = flat::best(&codes, &query, 10, |_| true);
            let near = graph.search(&codes, &query, 10, 64);
            found += exact.iter().filter(|candidate| near.contains(candidate)).count();
            let odd = |position: u32| position % 2 == 1;
            let exact = flat::best(&codes, &query, 10, odd);
            let near = graph.search_kept(&codes, &query, Reach { limit: 10, ef: 64 }, odd);
            assert!(near.iter().all(|candidate| odd(candidate.position)));
            kept += exact.iter().filter(|candidate| near.contains(candidate)).count();
            wanted += exact.len();
        }
        assert!(found * 100 >= wanted * 98, "{builder:?}: {found} of {wanted}");
        assert!(kept * 100 >= wanted * 98, "{builder:?}: {kept} of {wanted} kept");
    }
}

#[test]
fn every_node_is_found_when_all_are_explored() {
    for count in [1, 2, 3, 40, 700] {
        let vectors = clustered(count);
        for builder in builders() {
            let (graph, codes) = packed(builder.as_ref(), &vectors);
            let query = Code::new(&vectors[..DIM]);
            assert_eq!(graph.search(&codes, &query, count, count).len(), count, "{builder:?}");
        }
    }
}

#[test]
fn the_native_graph_does_not_depend_on_threads() {
    let vectors = clustered(3000);
    let graph = |thread_count| packed(&Native { thread_count, ..Native::default() }, &vectors).0;
    let one = graph(1);
    for thread_count in [0, 2, 3] {
        assert_eq!(graph(thread_count), one);
    }
}

#[test]
fn the_same_vectors_give_the_same_graph() {
    let vectors = clustered(300);
    for builder in builders() {
        assert_eq!(packed(builder.as_ref(), &vectors).0, packed(builder.as_ref(), &vectors).0);
    }
}

#[test]
fn duplicates_are_all_found() {
    let vectors = clustered(8)[..DIM].repeat(150);
    for builder in builders() {
        let (graph, codes) = packed(builder.as_ref(), &vectors);
        let found = graph.search(&codes, &Code::new(&vectors[..DIM]), 150, 150);
        assert_eq!(found.len(), 150, "{builder:?}");
    }
}

#[test]
fn no_node_has_more_links_than_it_may() {
    let vectors = clustered(2000);
    let options = BuildOptions { m: 4, ef_construction: 50 };
    let codes = codes(&vectors);
    let native = Native { options, thread_count: 2 };
    let links = native.build(&codes, &[], &CancelToken::new()).expect("sound codes");
    for (node, layers) in links.nodes.iter().enumerate() {
        for (layer, links) in layers.iter().enumerate() {
            assert!(links.len() <= if layer == 0 { 8 } else { 4 });
            assert!(links.iter().all(|link| *link as usize != node && (*link as usize) < 2000));
        }
    }
}

fn refused(result: Result<Links>) -> bool {
    matches!(result, Err(Error::InvalidArgument { .. }))
}

#[test]
fn options_and_vectors_that_make_no_graph_are_refused() {
    let cancel = CancelToken::new();
    let vectors = clustered(40);
    let codes = codes(&vectors);
    for m in [0, 1, 65, 300] {
        let options = BuildOptions { m, ..BuildOptions::default() };
        assert!(refused(HnswRs { options }.build(&codes, &vectors, &cancel)));
        let native = Native { options, thread_count: 1 };
        assert!(refused(native.build(&codes, &[], &cancel)));
    }
    let ours = HnswRs::default();
    assert!(refused(ours.build(&codes, &vectors[1..], &cancel)));
    assert!(refused(ours.build(&codes, &[f32::NAN; DIM], &cancel)));
    assert!(refused(ours.build(&codes, &[0.0; DIM], &cancel)));
    cancel.cancel();
    for builder in builders() {
        assert!(matches!(builder.build(&codes, &vectors, &cancel), Err(Error::Cancelled)));
    }
}
