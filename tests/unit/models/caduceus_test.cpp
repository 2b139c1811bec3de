// SPDX-License-Identifier: Apache-2.0
// Caduceus: published sizes, refused settings and files, what a sequence's numbers do not depend on, and the
// two strands of PS.
#include <dnalm/core/thread_team.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/random_source.hpp>
#include <support/temporary_folder.hpp>
#include <unit/models/caduceus_runs.hpp>

using dnalm::index_t;
using dnalm_test::temporary_folder;

namespace {

using cpu_network = dnalm::caduceus_network<dnalm::cpu_backend>;

const std::string ps_json = R"({"model_type": "caduceus", "architectures": ["CaduceusForMaskedLM"],
  "auto_map": {"AutoConfig": "configuration_caduceus.CaduceusConfig",
               "AutoModelForMaskedLM": "modeling_caduceus.CaduceusForMaskedLM"},
  "bidirectional": true, "bidirectional_strategy": "add", "bidirectional_weight_tie": true,
  "complement_map": {"0": 0, "1": 1, "10": 7, "11": 11, "12": 12, "13": 13, "14": 14, "15": 15, "2": 2,
                     "3": 3, "4": 4, "5": 5, "6": 6, "7": 10, "8": 9, "9": 8},
  "d_model": 256, "fused_add_norm": true, "n_layer": 16, "norm_epsilon": 1e-05, "pad_vocab_size_multiple": 8,
  "initializer_cfg": {"initializer_range": 0.02, "n_residuals_per_layer": 1, "rescale_prenorm_residual": true},
  "rcps": true, "residual_in_fp32": false, "rms_norm": true,
  "ssm_cfg": {"bias": false, "conv_bias": true, "d_conv": 4, "d_state": 16, "dt_init": "random",
              "dt_init_floor": 0.0001, "dt_max": 0.1, "dt_min": 0.001, "dt_rank": "auto", "dt_scale": 1.0,
              "expand": 2, "use_fast_path": true},
  "torch_dtype": "float32", "transformers_version": "4.38.1", "vocab_size": 16})";

/// `text` with the first `from` replaced.
std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

dnalm::caduceus_config config_of(const std::string& json) {
  const temporary_folder folder("caduceus");
  folder.write("config.json", json);
  return dnalm::read_caduceus_config(folder.path());
}

/// Number and text of the error that reading gives; 0: none.
std::pair<int, std::string> refusal(const std::string& json) {
  try {
    static_cast<void>(config_of(json));
  } catch (const dnalm::error& refused) {
    return {refused.number(), refused.what()};
  }
  return {0, ""};
}

dnalm::caduceus_config small_config(const std::string& json) {
  dnalm::caduceus_config config = config_of(json);
  config.layers = 3;
  config.channels = 21;
  config.width = 21 * config.strands();
  config.inner = 42;
  config.states = 5;
  config.rank = 2;
  return config;
}
std::string ph_json() {
  return with(ps_json, "\"rcps\": true", "\"rcps\": false");
}

struct batch_of {
  std::vector<std::int32_t> ids = {};
  dnalm::ragged_offsets offsets = {};
};
batch_of make_batch(const std::vector<index_t>& lengths) {
  batch_of batch;
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    dnalm::philox random(s, dnalm::hash_name("caduceus ids"));
    for (index_t i = 0; i < lengths[s]; ++i) {
      batch.ids.push_back(7 + static_cast<std::int32_t>(random.next_u32() % 5));
    }
    batch.offsets.append(lengths[s]);
  }
  return batch;
}

/// The reverse complement of a batch of one sequence.
batch_of other_strand(const batch_of& given) {
  batch_of other = given;
  for (std::size_t i = 0; i < given.ids.size(); ++i) {
    const std::int32_t id = given.ids[given.ids.size() - 1 - i];
    other.ids[i] = id >= 7 && id <= 10 ? 17 - id : id;
  }
  return other;
}

/// All hidden states and logits of rows [first, first + count).
std::vector<std::vector<float>> run(const cpu_network& network, const batch_of& batch, index_t first,
                                    index_t count, dnalm::thread_team* team = nullptr) {
  cpu_network::workspace workspace;
  workspace.team = team;
  std::vector<std::vector<float>> found;
  const auto keep = [&](dnalm::matrix_view<const float> x) {
    found.emplace_back();
    for (index_t r = first; r < first + count; ++r) {
      found.back().insert(found.back().end(), x.row_data(r), x.row_data(r) + x.columns);
    }
  };
  const auto on_layer = [&](index_t, dnalm::matrix_view<const float> x) { keep(x); };
  const cpu_network::logits_receiver receiver = keep;
  network.forward({batch.ids, batch.offsets}, on_layer, &receiver, workspace);
  CHECK(workspace.memory.size() + workspace.scratch.size() + workspace.logits.size() <=
        network.workspace_bytes(batch.offsets.rows(), 700, true) / 4 * (team == nullptr ? 1 : 4));
  return found;
}

template <class B>
std::vector<std::vector<double>> run_gradient(const dnalm::caduceus_network<B>& network,
                                              const batch_of& batch, index_t keep_bytes,
                                              dnalm::thread_team* team = nullptr) {
  using T = typename B::scalar;
  auto request = dnalm_test::formula_request<T>("logits");
  request.tokens = true;
  request.keep_bytes = keep_bytes;
  typename dnalm::caduceus_network<B>::workspace workspace;
  workspace.team = team;
  std::vector<std::vector<double>> found(2);
  const auto receive = [&](const dnalm::basic_input_gradient<T>& gradient) {
    for (index_t r = 0; r < gradient.words.rows; ++r) {
      for (index_t c = 0; c < gradient.words.columns; ++c) {
        found[0].push_back(static_cast<double>(gradient.words(r, c)));
      }
      for (index_t v = 0; v < gradient.tokens.columns; ++v) {
        found[1].push_back(static_cast<double>(gradient.tokens(r, v)));
      }
    }
  };
  network.gradient({batch.ids, batch.offsets}, request, receive, workspace);
  CHECK(workspace.memory.size() + workspace.scratch.size() + workspace.logits.size() <=
        network.gradient_bytes(batch.offsets.rows(), batch.offsets.rows(),
                               request.extent(network.config().layers)) /
            static_cast<index_t>(sizeof(T)) * (team == nullptr ? 1 : 4));
  return found;
}

/// Numbers of one, but where a name ends in `where`.
class odd_source final : public dnalm::weight_source {
 public:
  odd_source(std::string where, double value) : where_(std::move(where)), value_(value) {}
  [[nodiscard]] bool contains(const dnalm::planned_tensor& tensor) const override {
    return tensor.required || tensor.name.ends_with(where_);
  }
  void read(const dnalm::planned_tensor& t, std::span<float> out) const override { fill(t, out); }
  void read(const dnalm::planned_tensor& t, std::span<double> out) const override { fill(t, out); }

 private:
  template <class T>
  void fill(const dnalm::planned_tensor& tensor, std::span<T> out) const {
    std::fill(out.begin(), out.end(), static_cast<T>(tensor.name.ends_with(where_) ? value_ : 1.0));
  }
  std::string where_;
  double value_;
};

}  // namespace

TEST_CASE("parameters of the published Caduceus models", "[models][caduceus]") {
  for (const std::string& json : {ps_json, ph_json()}) {
    dnalm::caduceus_config config = config_of(json);
    CHECK(dnalm::count_parameters(dnalm::plan_tensors(config)) == 7725312);
    CHECK(config.rank == 16);
    CHECK(config.inner == 512);
  }
  // The sizes of model.safetensors: 7.75 MB for four blocks of 256, 1.89 MB for four of 118.
  dnalm::caduceus_config config = config_of(with(ps_json, "\"n_layer\": 16", "\"n_layer\": 4"));
  CHECK(std::abs(static_cast<double>(dnalm::count_parameters(dnalm::plan_tensors(config))) * 4e-6 - 7.75) <
        0.02);
  config = config_of(with(with(ps_json, "\"n_layer\": 16", "\"n_layer\": 4"), "256", "118"));
  CHECK(config.rank == 8);
  CHECK(std::abs(static_cast<double>(dnalm::count_parameters(dnalm::plan_tensors(config))) * 4e-6 - 1.89) <
        0.02);
}

TEST_CASE("the published config.json of Caduceus", "[models][caduceus]") {
  const dnalm::caduceus_config ps = config_of(ps_json);
  CHECK(ps.width == 512);
  CHECK(ps.vocabulary == 16);
  CHECK(ps.exchanges_strands);
  CHECK(ps.summary().architecture == "Caduceus-PS");
  CHECK(ps.complement == std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 10, 9, 8, 7, 11, 12, 13, 14, 15});
  const dnalm::caduceus_config ph = config_of(ph_json());
  CHECK(ph.width == 256);
  CHECK_FALSE(ph.exchanges_strands);
  CHECK(ph.summary().architecture == "Caduceus-Ph");
  CHECK(ph.summary().fits(12));
  CHECK(ph.summary().fits(16));
  CHECK_FALSE(ph.summary().fits(8));
  CHECK_FALSE(ph.summary().fits(17));
  const dnalm::caduceus_config untrained =
      config_of(with(ps_json, "\"vocab_size\": 16", "\"vocab_size\": 12"));
  CHECK(untrained.vocabulary == 16);
  CHECK_FALSE(untrained.summary().fits(13));
  CHECK_FALSE(
      config_of(with(ps_json, "\"fused_add_norm\": true", "\"fused_add_norm\": false")).exchanges_strands);
  CHECK(config_of(with(ps_json, "\"expand\": 2", "\"expand\": 1.5")).inner == 384);
  CHECK(config_of(with(ps_json, "\"auto\"", "5")).rank == 5);
  CHECK_FALSE(
      config_of(with(ph_json(), "\"rms_norm\"", "\"tie_word_embeddings\": false, \"rms_norm\"")).tied_head);
}

TEST_CASE("settings of Caduceus that are not built in or make no sense are refused by name",
          "[models][caduceus]") {
  struct hostile {
    std::string from, to;
    int number;
    std::string named;
  };
  for (const hostile& one : std::vector<hostile>{
           {"\"caduceus\"", "\"mamba\"", 400, "mamba"},
           {"\"bidirectional\": true", "\"bidirectional\": false", 404, "\"bidirectional\""},
           {"\"add\"", "\"ew_multiply\"", 404, "bidirectional_strategy"},
           {"\"bidirectional_weight_tie\": true", "\"bidirectional_weight_tie\": false", 404, "weight_tie"},
           {"\"rms_norm\": true", "\"rms_norm\": false", 404, "rms_norm"},
           {"\"bias\": false", "\"bias\": true", 404, "\"bias\""},
           {"\"dt_max\"", "\"layer\": \"Mamba2\", \"dt_max\"", 404, "\"layer\""},
           {"\"dt_max\"", "\"headdim\": 64, \"dt_max\"", 404, "headdim"},
           {"modeling_caduceus.", "modeling_other.", 404, "auto_map"},
           {"\"rcps\"", "\"quantization_config\": {\"bits\": 4}, \"rcps\"", 404, "quantization_config"},
           {"\"n_layer\": 16, ", "", 401, "n_layer"},
           {"\"d_model\": 256, ", "", 401, "d_model"},
           {"\"complement_map\"", "\"complements\"", 401, "complement_map"},
           {"\"0\": 0, ", "", 401, "\"0\""},
           {"\"7\": 10", "\"7\": 16", 402, "\"7\""},
           {"\"7\": 10", "\"7\": -1", 402, "\"7\""},
           {"\"7\": 10", "\"A\": 10", 401, "\"7\""},
           {"\"7\": 10", "\"7\": 10, \"16\": 16", 403, "complement_map"},
           {"\"n_layer\": 16", "\"n_layer\": 0", 402, "n_layer"},
           {"\"d_model\": 256", "\"d_model\": 99999999999", 402, "d_model"},
           {"\"d_model\": 256", "\"d_model\": \"256\"", 402, "d_model"},
           {"\"d_state\": 16", "\"d_state\": 0", 402, "d_state"},
           {"\"d_conv\": 4", "\"d_conv\": 99999999999999", 402, "d_conv"},
           {"\"expand\": 2", "\"expand\": 0", 403, "expand"},
           {"\"expand\": 2", "\"expand\": -2", 402, "expand"},
           {"\"auto\"", "\"other\"", 402, "dt_rank"},
           {"\"norm_epsilon\": 1e-05", "\"norm_epsilon\": -1", 402, "norm_epsilon"},
           {"\"rcps\": true", "\"rcps\": 1", 402, "rcps"}}) {
    INFO(one.from << " -> " << one.to);
    const auto [number, text] = refusal(with(ps_json, one.from, one.to));
    CHECK(number == one.number);
    INFO(text);
    CHECK(text.find(one.named) != std::string::npos);
  }
}

TEST_CASE("checkpoints of Caduceus that do not fit are refused", "[models][caduceus]") {
  const auto open = [](const std::string& name, const dnalm::caduceus_config& config) {
    const auto folder = dnalm_test::golden_caduceus / name;
    try {
      const dnalm::checkpoint_source source(dnalm::io::checkpoint::open(folder), dnalm::plan_tensors(config),
                                            name);
    } catch (const dnalm::error& refused) {
      return refused.number();
    }
    return 0;
  };
  dnalm::caduceus_config config = dnalm::read_caduceus_config(dnalm_test::golden_caduceus / "ps");
  CHECK(open("ps", config) == 0);
  config.states = 6;
  CHECK(open("ps", config) == 412);
  config = dnalm::read_caduceus_config(dnalm_test::golden_caduceus / "ps");
  config.layers = 2;
  CHECK(open("ps", config) == 411);
  config.layers = 4;  // its projections are missing under either name
  CHECK(open("ps", config) == 410);
  CHECK(open("ph", config) == 412);
}

TEST_CASE("rates that overflow and complements that are no tokens are refused", "[models][caduceus]") {
  const auto build = [](const std::string& where, double value) {
    try {
      const cpu_network network(dnalm::cpu_backend(), small_config(ps_json), odd_source(where, value));
    } catch (const dnalm::error& refused) {
      return refused.number();
    }
    return 0;
  };
  CHECK(build("A_log", 1.0) == 0);
  CHECK(build("A_log", 100.0) == 445);
  CHECK(build("lm_head.complement_map", 15.0) == 0);
  CHECK(build("lm_head.complement_map", 16.0) == 446);
  CHECK(build("other.complement_map", 0.5) == 0);  // no such tensor
  CHECK(build("word_embeddings.complement_map", 0.5) == 446);
  CHECK(build("word_embeddings.complement_map", -1.0) == 446);
}

TEST_CASE("a sequence of Caduceus has the same bits alone, in a batch and on a team", "[models][caduceus]") {
  dnalm::thread_team team(3);
  for (const std::string& json : {ph_json(), ps_json}) {
    const cpu_network network(dnalm::cpu_backend(), small_config(json), dnalm::random_source(5, 0.2), 2);
    const batch_of together = make_batch({260, 1, 700, 33});
    for (std::size_t s = 0; s < 4; ++s) {
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
    const auto gradient = run_gradient(network, together, dnalm::default_keep_bytes);
    CHECK(gradient == run_gradient(network, together, 0));
    CHECK(gradient == run_gradient(network, together, 0, &team));
  }
}

TEST_CASE("the reverse complement through Caduceus-PS: the same bits, strands exchanged and turned round",
          "[models][caduceus]") {
  for (const bool exchanges : {true, false}) {
    dnalm::caduceus_config config = small_config(ps_json);
    config.exchanges_strands = exchanges;
    const cpu_network network(dnalm::cpu_backend(), config, dnalm::random_source(6, 0.2));
    const batch_of given = make_batch({211});
    const batch_of other = other_strand(given);
    const auto ahead = run(network, given, 0, 211);
    const auto back = run(network, other, 0, 211);
    REQUIRE(ahead.size() == 5);
    for (std::size_t layer = 0; layer < 4; ++layer) {
      std::vector<float> turned(back[layer].rbegin(), back[layer].rend());  // positions and channels
      CHECK(turned == ahead[layer]);
      CHECK_FALSE(back[layer] == ahead[layer]);
    }
    double worst = 0.0;  // the head adds the strands in another order
    for (index_t t = 0; t < 211; ++t) {
      for (index_t v = 0; v < 16; ++v) {
        const index_t letter = v >= 7 && v <= 10 ? 17 - v : v;
        const float one = ahead.back()[static_cast<std::size_t>(16 * t + v)];
        const float two = back.back()[static_cast<std::size_t>(16 * (210 - t) + letter)];
        worst = std::max(worst, static_cast<double>(std::abs(one - two)));
      }
    }
    CHECK(worst < 1e-4);
  }
}

namespace {

/// Gradients by the words' rows of S = sum over rows r and channels c of u(c) h(r, c)^2, h the last state.
std::vector<float> squares_gradient(const cpu_network& network, const batch_of& batch,
                                    const std::vector<float>& u) {
  const index_t last = network.config().summary().layers;
  dnalm::gradient_request request;
  request.layers = {last};
  request.hidden = [&](index_t, dnalm::matrix_view<const float> h, dnalm::matrix_view<float> g) {
    for (index_t r = 0; r < h.rows; ++r) {
      for (index_t c = 0; c < h.columns; ++c) g(r, c) = 2 * u[static_cast<std::size_t>(c)] * h(r, c);
    }
  };
  std::vector<float> found;
  const auto receive = [&](const dnalm::input_gradient& gradient) {
    for (index_t r = 0; r < gradient.words.rows; ++r) {
      const float* row = gradient.words.row_data(r);
      found.insert(found.end(), row, row + gradient.words.columns);
    }
  };
  cpu_network::workspace workspace;
  network.gradient({batch.ids, batch.offsets}, request, receive, workspace);
  return found;
}

}  // namespace

TEST_CASE("the gradient of a number that knows no strand is that of the other strand, turned round",
          "[models][caduceus][adjoint]") {
  const dnalm::caduceus_config config = small_config(ps_json);
  const cpu_network network(dnalm::cpu_backend(), config, dnalm::random_source(6, 0.2));
  const batch_of given = make_batch({211});
  const index_t channels = network.config().summary().width;
  std::vector<float> u(static_cast<std::size_t>(channels));
  for (std::size_t c = 0; c < u.size() / 2; ++c) u[c] = u[u.size() - 1 - c] = static_cast<float>(c % 5) - 2;
  const auto ahead = squares_gradient(network, given, u);
  const auto back = squares_gradient(network, other_strand(given), u);
  REQUIRE(ahead.size() == static_cast<std::size_t>(211 * channels));
  float largest = 0;
  float gap = 0;
  for (std::size_t i = 0; i < ahead.size(); ++i) {  // positions and channels from the end
    largest = std::max(largest, std::abs(ahead[i]));
    gap = std::max(gap, std::abs(ahead[i] - back[back.size() - 1 - i]));
  }
  CHECK(largest > 0);
  CHECK(gap <= 1e-5F * largest);  // sums of a few hundred floats in another order
  CHECK_FALSE(ahead == back);
}

TEST_CASE("gradients of Caduceus have the same bits with any memory for records", "[models][caduceus]") {
  for (const std::string& json : {ph_json(), ps_json}) {
    dnalm::caduceus_config config = small_config(json);
    const cpu_network network(dnalm::cpu_backend(), config, dnalm::random_source(7, 0.2));
    const batch_of batch = make_batch({150, 1, 64, 65, 3});  // scans keep states before every 64 rows
    const auto bytes = [&](index_t keep_bytes) {
      dnalm::gradient_extent extent{.depth = 3, .keep_bytes = keep_bytes};
      return network.gradient_bytes(batch.offsets.rows(), 150, extent);
    };
    const index_t record = (bytes(dnalm::default_keep_bytes) - bytes(0)) / 2;
    // [x | z | y] of every row, and of the 4 x 64 rows that 283 hold the states of two directions.
    const index_t channels = (config.inner + 15) / 16 * 16;
    const index_t numbers = 3 * config.inner * 283 + 2 * 4 * channels * config.states;
    CHECK(record == 4 * config.strands() * numbers);
    const auto all = run_gradient(network, batch, dnalm::default_keep_bytes);
    for (const index_t keep_bytes : {index_t{0}, 2 * record - 1, 2 * record}) {
      CHECK(bytes(keep_bytes) == bytes(0) + (keep_bytes == 2 * record ? record : 0));
      CHECK(all == run_gradient(network, batch, keep_bytes));
    }
    dnalm::thread_team team(3);
    CHECK(all == run_gradient(network, batch, record, &team));
  }
}

TEST_CASE("words' rows and one-hot tokens of Caduceus fit together", "[models][caduceus]") {
  for (const std::string& json : {ph_json(), ps_json}) {
    const dnalm::caduceus_config config = small_config(json);
    const dnalm::caduceus_network<dnalm::reference_backend> network(dnalm::reference_backend(), config,
                                                                    dnalm::random_source(7, 0.2));
    const batch_of batch = make_batch({9, 1, 30});
    const auto found = run_gradient(network, batch, 0);
    CHECK(found == run_gradient(network, batch, dnalm::default_keep_bytes));
    std::vector<double> row(static_cast<std::size_t>(config.width));
    for (const std::int32_t token : {0, 8, 15}) {  // words E^T
      network.word_rows(std::vector<std::int32_t>{token}, dnalm::as_matrix(row.data(), 1, config.width));
      for (std::size_t r = 0; r < 40; ++r) {
        double sum = 0.0;
        for (std::size_t c = 0; c < row.size(); ++c) sum += found[0][r * row.size() + c] * row[c];
        CHECK(found[1][r * 16 + static_cast<std::size_t>(token)] == Approx(sum).margin(1e-12));
      }
    }
    // Rows that are given in place of the same words change nothing.
    dnalm::matrix<double> rows(40, config.width);
    network.word_rows(batch.ids, rows.view());
    std::vector<double> last;
    std::vector<double> given;
    dnalm::caduceus_network<dnalm::reference_backend>::workspace workspace;
    const auto keep = [&](std::vector<double>& to) {
      return [&to](index_t, dnalm::matrix_view<const double> x) {
        to.assign(x.row_data(0), x.row_data(0) + x.rows * x.columns);
      };
    };
    const auto keep_last = keep(last);
    const auto keep_given = keep(given);
    network.forward({batch.ids, batch.offsets}, keep_last, nullptr, workspace);
    network.forward({batch.ids, batch.offsets}, keep_given, nullptr, workspace, rows.view());
    CHECK(last == given);
  }
}

TEST_CASE("inputs that Caduceus cannot take are refused", "[models][caduceus]") {
  const cpu_network network(dnalm::cpu_backend(), small_config(ps_json), dnalm::random_source(8, 0.2));
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
  CHECK(number(make_batch({3}), {0, 0, 0}) == 407);
  CHECK(number(make_batch({3, 0}), {}) == 408);
  batch_of outside = make_batch({3});
  outside.ids[1] = 16;
  CHECK(number(outside, {}) == 407);
  outside.ids.pop_back();
  CHECK(number(outside, {}) == 409);
}
