// SPDX-License-Identifier: Apache-2.0
// HyenaDNA: published sizes, refused settings and files, and what a sequence's numbers do not depend on.
#include <dnalm/core/thread_team.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/random_source.hpp>
#include <dnalm/tokenize/tokenizer.hpp>
#include <support/temporary_folder.hpp>
#include <unit/models/hyena_runs.hpp>

#include <thread>

using dnalm::index_t;
using dnalm_test::temporary_folder;

namespace {

using cpu_network = dnalm::hyena_network<dnalm::cpu_backend>;

const std::string original_json = R"({"d_model": 128, "n_layer": 2, "d_inner": 512, "vocab_size": 12,
  "resid_dropout": 0.0, "embed_dropout": 0.1, "fused_mlp": false, "fused_dropout_add_ln": true,
  "residual_in_fp32": true, "pad_vocab_size_multiple": 8, "return_hidden_state": true,
  "layer": {"_name_": "hyena", "emb_dim": 5, "filter_order": 64, "local_order": 3, "l_max": 1026,
            "modulate": true, "w": 10, "lr": 6e-4, "wd": 0.0, "lr_pos_emb": 0.0}})";

/// `text` with the first `from` replaced.
std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

dnalm::hyena_config config_of(const std::string& json) {
  const temporary_folder folder("hyena");
  folder.write("config.json", json);
  return dnalm::read_hyena_config(folder.path());
}

int number_of_error(const std::string& json) {
  try {
    static_cast<void>(config_of(json));
  } catch (const dnalm::error& refused) {
    return refused.number();
  }
  return 0;
}

dnalm::hyena_config small_config() {
  dnalm::hyena_config config = config_of(original_json);
  config.width = 21;
  config.feed_forward = 30;
  config.positions = 900;
  config.filter_order = 8;
  return config;
}

std::vector<std::int32_t> random_ids(index_t count, std::uint64_t seed) {
  dnalm::philox random(seed, dnalm::hash_name("hyena ids"));
  std::vector<std::int32_t> ids;
  for (index_t i = 0; i < count; ++i) ids.push_back(7 + static_cast<std::int32_t>(random.next_u32() % 5));
  return ids;
}

struct batch_of {
  std::vector<std::int32_t> ids = {};
  dnalm::ragged_offsets offsets = {};
};
batch_of make_batch(const std::vector<index_t>& lengths) {
  batch_of batch;
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    const auto own = random_ids(lengths[s], s);
    batch.ids.insert(batch.ids.end(), own.begin(), own.end());
    batch.offsets.append(lengths[s]);
  }
  return batch;
}

/// All hidden states and logits of rows [first, first + count).
std::vector<float> run(const cpu_network& network, const batch_of& batch, index_t first, index_t count,
                       dnalm::thread_team* team = nullptr) {
  cpu_network::workspace workspace;
  workspace.team = team;
  std::vector<float> found;
  const auto keep = [&](dnalm::matrix_view<const float> x) {
    for (index_t r = first; r < first + count; ++r)
      found.insert(found.end(), x.row_data(r), x.row_data(r) + x.columns);
  };
  const auto on_layer = [&](index_t, dnalm::matrix_view<const float> x) { keep(x); };
  const cpu_network::logits_receiver receiver = keep;
  network.forward({batch.ids, batch.offsets}, on_layer, &receiver, workspace);
  CHECK(workspace.memory.size() + workspace.scratch.size() + workspace.logits.size() <=
        network.workspace_bytes(batch.offsets.rows(), 700, true) / 4 * (team == nullptr ? 1 : 4));
  return found;
}

}  // namespace

TEST_CASE("parameters of the published HyenaDNA models", "[models][hyena]") {
  struct published {
    index_t width, layers, positions, parameters;
  };
  for (const published& one : {published{128, 2, 1026, 436096}, published{256, 2, 1026, 1641088},
                               published{128, 2, 16386, 436096}, published{256, 4, 32770, 3277568},
                               published{256, 8, 160002, 6550528}, published{256, 8, 1000002, 6550528}}) {
    dnalm::hyena_config config = config_of(original_json);
    config.width = one.width;
    config.feed_forward = 4 * one.width;
    config.layers = one.layers;
    config.positions = one.positions;
    CHECK(dnalm::count_parameters(dnalm::plan_tensors(config)) == one.parameters);
  }
}

TEST_CASE("the authors' config.json of HyenaDNA", "[models][hyena]") {
  const dnalm::hyena_config config = config_of(original_json);
  CHECK(config.layout == dnalm::hyena_layout::original);
  CHECK(config.width == 128);
  CHECK(config.vocabulary == 16);
  CHECK(config.letters == 12);
  CHECK(config.positions == 1026);
  CHECK(config.embedding == 5);
  CHECK(config.filter_order == 64);
  CHECK(config.frequency == 10.0);
  CHECK(config.tied_head);
  CHECK(config.summary().table_limit == 1026);
  const temporary_folder folder("hyena");
  CHECK_FALSE(dnalm::has_hyena_config(folder.path()));
  folder.write("config.json", original_json);
  CHECK(dnalm::has_hyena_config(folder.path()));
  folder.write("config.json", R"({"model_type": "esm"})");
  CHECK_FALSE(dnalm::has_hyena_config(folder.path()));
}

TEST_CASE("folders of HyenaDNA without tokenizer files: CLS in front in the authors' layout only",
          "[models][hyena]") {
  const temporary_folder folder("hyena");
  folder.write("config.json", original_json);
  CHECK(dnalm::load_tokenizer(folder.path()).encode("ACGTN").ids ==
        std::vector<std::int32_t>{0, 7, 8, 9, 10, 11, 1});
  folder.write("config.json", R"({"model_type": "hyenadna", "vocab_size": 12})");
  CHECK(dnalm::load_tokenizer(folder.path()).encode("ACGTN").ids ==
        std::vector<std::int32_t>{7, 8, 9, 10, 11, 1});
}

TEST_CASE("settings of HyenaDNA that are not built in or make no sense are refused", "[models][hyena]") {
  CHECK(number_of_error(R"({"model_type": "esm"})") == 400);
  CHECK(number_of_error(with(original_json, "\"vocab_size\": 12,", "")) == 401);
  CHECK(number_of_error(with(original_json, "\"n_layer\": 2", "\"n_layer\": 0")) == 402);
  CHECK(number_of_error(with(original_json, "\"l_max\": 1026", "\"l_max\": -5")) == 402);
  CHECK(number_of_error(with(original_json, "\"l_max\": 1026", "\"l_max\": 99999999999999")) == 402);
  CHECK(number_of_error(with(original_json, "\"emb_dim\": 5", "\"emb_dim\": 6")) == 403);
  CHECK(number_of_error(with(original_json, "\"l_max\": 1026", "\"l_max\": 1")) == 403);
  CHECK(number_of_error(with(original_json, "\"w\": 10", "\"w\": 10, \"order\": 3")) == 404);
  CHECK(number_of_error(with(original_json, "\"w\": 10", "\"bidirectional\": true")) == 404);
  CHECK(number_of_error(with(original_json, "\"w\": 10", "\"normalized\": true")) == 404);
  CHECK(number_of_error(with(original_json, "\"w\": 10", "\"activation\": \"gelu\"")) == 404);
  CHECK(number_of_error(with(original_json, "\"w\": 10", "\"short_filter_order\": 5")) == 404);
  CHECK(number_of_error(with(original_json, "\"w\": 10", "\"num_inner_mlps\": 4096")) == 402);
  CHECK(number_of_error(with(original_json, "\"hyena\"", "\"mha\"")) == 404);
  CHECK(number_of_error(with(original_json, "\"n_layer\": 2", "\"n_layer\": 2, \"attn_layer_idx\": [1]")) ==
        404);
  const std::string hub = R"({"model_type": "hyenadna", "d_model": 8, "n_layer": 1, "vocab_size": 12,
    "max_seq_len": 34, "emb_dim": 5, "hyena_order": 2, "auto_map": {"AutoModel": "modeling_hyena.X"}})";
  CHECK(number_of_error(hub) == 0);
  CHECK(number_of_error(with(hub, "\"hyena_order\": 2", "\"hyena_order\": 3")) == 404);
  CHECK(number_of_error(with(hub, "modeling_hyena", "modeling_other")) == 404);
  CHECK(number_of_error(with(hub, "\"emb_dim\": 5", "\"emb_dim\": 1")) == 402);
}

TEST_CASE("a checkpoint of HyenaDNA without its frequencies, or another width, is refused",
          "[models][hyena]") {
  const auto folder = dnalm_test::golden_hyena / "hub";
  const auto open = [&](const dnalm::hyena_config& config) {
    try {
      static_cast<void>(
          dnalm::checkpoint_source(dnalm::io::checkpoint::open(folder), dnalm::plan_tensors(config), "hub"));
    } catch (const dnalm::error& refused) {
      return refused.number();
    }
    return 0;
  };
  dnalm::hyena_config config = dnalm::read_hyena_config(folder);
  CHECK(open(config) == 0);
  config.width = 20;
  CHECK(open(config) == 412);
  config = dnalm::read_hyena_config(folder);
  config.learned_frequency = false;  // then the file has a tensor too many
  CHECK(open(config) == 411);
  config = dnalm::read_hyena_config(dnalm_test::golden_hyena / "hub_tied");  // its file has none
  config.learned_frequency = true;
  const auto plan = dnalm::plan_tensors(config);
  const auto missing =
      dnalm::compare_with_plan(plan, dnalm::io::checkpoint::open(dnalm_test::golden_hyena / "hub_tied"))
          .missing;
  REQUIRE(missing.size() == 1);
  CHECK(missing.front().name == "backbone.layers.0.mixer.filter_fn.implicit_filter.1.freq");
}

TEST_CASE("a sequence has the same bits alone, in a batch and on a team", "[models][hyena]") {
  const dnalm::random_source source(5, 0.2);
  const cpu_network network(dnalm::cpu_backend(), small_config(), source, 2);
  const batch_of together = make_batch({260, 1, 700, 33, 150});  // more rows than a block runs at once
  dnalm::thread_team team(3);
  for (std::size_t s = 0; s < 5; ++s) {
    const auto at = static_cast<index_t>(s);
    const index_t first = together.offsets.begin(at);
    const index_t count = together.offsets.length(at);
    batch_of alone;
    alone.ids.assign(together.ids.begin() + first, together.ids.begin() + first + count);
    alone.offsets.append(count);
    const auto own = run(network, alone, 0, count);
    CHECK(own == run(network, together, first, count));
    CHECK(own == run(network, together, first, count, &team));
  }
}

TEST_CASE("a HyenaDNA network shared by threads makes each filter once, with the same bits",
          "[models][hyena]") {
  const dnalm::random_source source(6, 0.2);
  const cpu_network network(dnalm::cpu_backend(), small_config(), source);
  const cpu_network small_cache(dnalm::cpu_backend(), small_config(), source, 1, 1);  // keeps no filter
  const batch_of batch = make_batch({300, 40});
  const auto once = run(network, batch, 0, 340);
  CHECK(once == run(small_cache, batch, 0, 340));
  std::vector<std::vector<float>> found(3);
  {
    const cpu_network fresh(dnalm::cpu_backend(), small_config(), source);
    std::vector<std::jthread> threads;
    for (auto& own : found) {
      threads.emplace_back([&] {
        cpu_network::workspace workspace;
        const auto keep = [&](index_t, dnalm::matrix_view<const float> x) {
          for (index_t r = 0; r < x.rows; ++r)
            own.insert(own.end(), x.row_data(r), x.row_data(r) + x.columns);
        };
        fresh.forward({batch.ids, batch.offsets}, keep, nullptr, workspace);
      });
    }
  }
  for (const auto& own : found) CHECK(std::equal(own.begin(), own.end(), once.begin()));
}

TEST_CASE("gradients of HyenaDNA do not depend on what is kept, and give one-hot tokens too",
          "[models][hyena]") {
  const dnalm::random_source source(7, 0.2);
  const dnalm::hyena_network<dnalm::reference_backend> network(dnalm::reference_backend(), small_config(),
                                                               source);
  const batch_of batch = make_batch({9, 1, 30});
  std::vector<std::vector<double>> found;
  for (const index_t keep : {index_t{0}, dnalm::default_keep_bytes}) {
    auto request = dnalm_test::formula_request<double>("logits");
    request.tokens = true;
    request.keep_bytes = keep;
    dnalm::hyena_network<dnalm::reference_backend>::workspace workspace;
    const auto receive = [&](const dnalm::basic_input_gradient<double>& gradient) {
      found.emplace_back();
      for (index_t r = 0; r < gradient.words.rows; ++r) {
        found.back().insert(found.back().end(), gradient.words.row_data(r), gradient.words.row_data(r) + 21);
        for (const std::int32_t token : {0, 15}) {  // words E^T
          std::vector<double> row(21);
          network.word_rows(std::vector<std::int32_t>{token}, dnalm::as_matrix(row.data(), 1, 21));
          double sum = 0.0;
          for (index_t c = 0; c < 21; ++c) sum += gradient.words(r, c) * row[static_cast<std::size_t>(c)];
          CHECK(gradient.tokens(r, token) == Approx(sum).margin(1e-12));
        }
      }
    };
    network.gradient({batch.ids, batch.offsets}, request, receive, workspace);
    CHECK(workspace.memory.size() + workspace.scratch.size() + workspace.logits.size() <=
          network.gradient_bytes(40, 30, request.extent(2)) / 8);
  }
  CHECK(found[0] == found[1]);
}

TEST_CASE("inputs that HyenaDNA cannot take are refused", "[models][hyena]") {
  const dnalm::random_source source(8, 0.2);
  dnalm::hyena_config config = small_config();
  config.positions = 12;
  const cpu_network network(dnalm::cpu_backend(), config, source);
  const auto number = [&](const batch_of& batch, const std::vector<std::int32_t>& types) {
    cpu_network::workspace workspace;
    const auto ignore = [](index_t, dnalm::matrix_view<const float>) {};
    try {
      network.forward({batch.ids, batch.offsets, types}, ignore, nullptr, workspace);
    } catch (const dnalm::error& refused) {
      return refused.number();
    }
    return 0;
  };
  CHECK(number(make_batch({12, 3}), {}) == 0);
  CHECK(number(make_batch({13}), {}) == 406);
  CHECK(number(make_batch({3}), {0, 0, 0}) == 407);
  CHECK(number(make_batch({3, 0}), {}) == 408);
  batch_of outside = make_batch({3});
  outside.ids[1] = 16;
  CHECK(number(outside, {}) == 407);
  outside.ids.pop_back();
  CHECK(number(outside, {}) == 409);
}

TEST_CASE("a network says which of its filters it keeps", "[models][hyena]") {
  const dnalm::hyena_config config = small_config();
  const dnalm::random_source source(6, 0.1);
  const dnalm::cpu_backend backend;
  const std::vector<index_t> lengths = {700, 13, 700, 14};
  const cpu_network network(backend, config, source);
  index_t bytes = 0;
  REQUIRE(backend.filter_taps(13) == backend.filter_taps(14));
  index_t largest = 0;
  for (const index_t length : {13, 700}) {
    const auto made = backend.make_filter(network.filter_taps(0, backend.filter_taps(length)).view());
    largest = std::max(largest, 4 * made.numbers());
    bytes += config.layers * 4 * made.numbers();
  }
  CHECK(network.kept_bytes(lengths) == bytes);
  CHECK(network.kept_bytes({}) == 0);
  // A block's share holds the larger filter alone, or not even that.
  const cpu_network narrow(backend, config, source, 1, config.layers * largest);
  CHECK(narrow.kept_bytes(lengths) == config.layers * largest);
  const cpu_network none(backend, config, source, 1, config.layers * largest - 1);
  CHECK(none.kept_bytes(lengths) == bytes - config.layers * largest);
}
