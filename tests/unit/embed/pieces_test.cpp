// SPDX-License-Identifier: Apache-2.0
// Long sequences in pieces where the memory asks for it: the numbers do not change.
#include <dnalm/embed/detail/embed_job.hpp>
#include <support/catch.hpp>
#include <support/random_sequences.hpp>
#include <unit/embed/twins.hpp>

using dnalm::index_t;
using dnalm::pooling;
using dnalm_test::random_sequence;

namespace {

dnalm::model hyena_twin(const dnalm::load_options& options = {}) {
  const dnalm_test::temporary_folder folder("hyena");
  dnalm_test::write_text(folder / "config.json", R"({"d_model": 32, "n_layer": 2, "d_inner": 64,
    "vocab_size": 12, "pad_vocab_size_multiple": 8,
    "layer": {"_name_": "hyena", "emb_dim": 5, "filter_order": 8, "local_order": 3, "l_max": 20000,
              "modulate": true, "w": 10}})");
  return dnalm::random_twin(folder.path(), 3, options);
}

}  // namespace

TEST_CASE("sequences of up to 20 k letters in pieces: the bits of one piece for any memory and threads",
          "[embed][pieces]") {
  const dnalm::model model = hyena_twin();
  std::vector<dnalm::io::sequence_record> records;
  for (const index_t length : {9000, 30, 5000, 1, 19000}) {
    records.push_back({.name = std::to_string(length), .sequence = random_sequence(7, length)});
  }
  dnalm::embed_options options{.poolings = {pooling::mean, pooling::max}, .logits = true, .threads = 1};
  const auto whole = dnalm_test::bits_of(dnalm::embed(model, records, options));
  for (const int threads : {1, 3}) {
    options.threads = threads;
    for (const auto& [memory, piece] : {std::pair<index_t, index_t>{1, 0}, {4 << 20, 0}, {1 << 30, 1000}}) {
      INFO(threads << " threads, " << memory << " bytes, pieces of " << piece);
      options.memory = memory;
      options.piece = piece;
      CHECK(dnalm_test::bits_of(dnalm::embed(model, records, options)) == whole);
    }
  }
  options.window = {.tokens = 6000, .overlap = 500};
  options.memory = index_t{1} << 30;
  options.piece = 0;
  const auto windows = dnalm_test::bits_of(dnalm::embed(model, records, options));
  options.piece = 777;
  CHECK(dnalm_test::bits_of(dnalm::embed(model, records, options)) == windows);
}

TEST_CASE("a pass runs in pieces where one piece takes more than its worker's budget", "[embed][pieces]") {
  const dnalm::model model = hyena_twin();
  const std::vector<dnalm::io::sequence_record> records{{.name = "s", .sequence = random_sequence(7, 9000)}};
  struct : dnalm::embedding_sink {
    void begin(const dnalm::embedding_shape&) override {}
    void consume(index_t, const dnalm::embedding_block&) override {}
  } sink;
  dnalm::detail::embed_job job = dnalm::detail::prepare_job(model, records, {}, sink);
  job.pass_bytes = model.workspace_bytes(9002, 9002, false);
  CHECK(dnalm::detail::piece_of(job, 9002, 9002) == 0);
  job.pass_bytes -= 1;
  CHECK(dnalm::detail::piece_of(job, 9002, 9002) == dnalm::default_piece);
  const dnalm::detail::embed_job asked = dnalm::detail::prepare_job(model, records, {.piece = 50}, sink);
  CHECK(dnalm::detail::piece_of(asked, 9002, 9002) == 50);
}

TEST_CASE("filters that a model keeps are paid from the memory budget", "[embed][pieces]") {
  const dnalm::model model = hyena_twin();
  const std::vector<dnalm::io::sequence_record> records{
      {.name = "long", .sequence = random_sequence(7, 9000)},
      {.name = "short", .sequence = random_sequence(8, 9)},
      {.name = "again", .sequence = random_sequence(9, 9)}};
  struct : dnalm::embedding_sink {
    void begin(const dnalm::embedding_shape&) override {}
    void consume(index_t, const dnalm::embedding_block&) override {}
  } sink;
  const dnalm::detail::embed_job job = dnalm::detail::prepare_job(model, records, {}, sink);
  const std::vector<index_t> lengths = {11, 9002};
  const index_t kept = model.kept_bytes(lengths);
  CHECK(kept > 1'000'000);
  CHECK(dnalm::detail::lengths_of(job) == lengths);
  CHECK(dnalm::detail::batch_memory(job, {.memory = kept + 5}) == 5);
  CHECK(dnalm::detail::batch_memory(job, {.memory = kept - 1}) == 0);
  const auto loads = dnalm::detail::sequence_loads(job);
  const auto tokens = [&](index_t memory) {
    return dnalm::detail::choose_limits(job, loads, {.memory = memory}, 1).tokens;
  };
  CHECK(tokens(kept + 10'000'000) == 192);
  CHECK(tokens(kept) == 1);

  const auto windows =
      dnalm::detail::prepare_job(model, records, {.window = {.tokens = 6000, .overlap = 500}}, sink);
  index_t most = 0;
  for (const index_t length : dnalm::detail::lengths_of(windows)) most = std::max(most, length);
  CHECK(most == 6000);

  const auto whole = dnalm_test::bits_of(dnalm::embed(model, records, {.threads = 2}));
  CHECK(dnalm_test::bits_of(dnalm::embed(model, records, {.threads = 2, .memory = kept / 2})) == whole);
  CHECK(dnalm_test::nt_twin().kept_bytes(lengths) == 0);
}

TEST_CASE("pieces are for models that have them", "[embed][pieces]") {
  const std::vector<dnalm::io::sequence_record> records{{.name = "s", .sequence = "ACGTACGT"}};
  const auto id = [&](const dnalm::model& model, index_t piece) {
    try {
      static_cast<void>(dnalm::embed(model, records, {.piece = piece}));
    } catch (const dnalm::error& refused) {
      return refused.id();
    }
    return std::string();
  };
  CHECK(id(hyena_twin(), 2).empty());
  CHECK(id(hyena_twin({.backend = dnalm::backend_kind::reference}), 2).empty());
  CHECK(id(hyena_twin(), -2) == "dnalm.usage.441");
  CHECK(id(dnalm_test::nt_twin(), 2) == "dnalm.unsupported.442");
  CHECK(id(dnalm_test::nt_twin(), 0).empty());
}
