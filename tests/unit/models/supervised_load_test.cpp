// SPDX-License-Identifier: Apache-2.0
// Folders of supervised networks behind `model`: what any program gets from load_model.
#include <dnalm/models/load_model.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <span>
#include <variant>
#include <vector>

#include <dnalm/models/detail/config_file.hpp>
#include <dnalm/models/layer_recipe.hpp>
#include <dnalm/nn/relative_positions.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/catch.hpp>
#include <support/random_sequences.hpp>
#include <support/temporary_folder.hpp>
#include <unit/models/supervised_runs.hpp>

using dnalm::index_t;

namespace {

/// The first output of two sequences in one batch.
std::vector<std::vector<float>> predictions(const dnalm::model& network,
                                            const std::vector<std::string>& texts) {
  dnalm::ragged_offsets offsets;
  std::vector<std::int32_t> ids;
  for (const std::string& text : texts) {
    const auto tokens = network.tokenize(text);
    ids.insert(ids.end(), tokens.ids.begin(), tokens.ids.end());
    offsets.append(static_cast<index_t>(tokens.ids.size()));
  }
  std::vector<std::vector<float>> rows;
  dnalm::forward_workspace workspace;
  const auto on_state = [&](index_t state, dnalm::matrix_view<const float> x) {
    if (state != network.logits_state()) return;
    const index_t each = x.rows / static_cast<index_t>(texts.size());
    for (std::size_t s = 0; s < texts.size(); ++s) {
      const float* begin = x.row_data(static_cast<index_t>(s) * each);
      rows.emplace_back(begin, begin + each * x.columns);
    }
  };
  network.forward({ids, offsets}, on_state, workspace);
  return rows;
}

std::string text_of(const dnalm::io::safetensors_file& expected, const std::string& name) {
  std::string text;
  for (const double byte : dnalm_test::read_numbers(expected, name)) text += static_cast<char>(byte);
  return text;
}

}  // namespace

TEST_CASE("load_model reads the folders of supervised networks", "[models][supervised]") {
  const std::pair<const char*, const char*> folders[] = {
      {"sei", "Sei"},       {"deepsea_predict", "DeepSEA"}, {"beluga", "Beluga"},    {"basset", "Basset"},
      {"legnet", "LegNet"}, {"enformer", "Enformer"},       {"phylogpn", "PhyloGPN"}};
  for (const auto& [name, architecture] : folders) {
    INFO(name);
    const auto folder = dnalm_test::golden_supervised / name;
    const dnalm::model network = dnalm::load_model(folder);
    CHECK(network.describe().architecture_name() == architecture);
    const dnalm::io::safetensors_file expected(dnalm_test::golden_supervised / "expected" /
                                               (std::string(name) + ".safetensors"));
    const std::string text = text_of(expected, "case0.sequence");
    const auto alone = predictions(network, {text});
    const auto twice = predictions(network, {text, text});
    REQUIRE(alone.size() == 1);
    REQUIRE(twice.size() == 2);
    const auto wanted = dnalm_test::read_numbers(expected, "case0.output");
    REQUIRE(wanted.size() == alone[0].size());
    const dnalm::matrix_view<const float> found{alone[0].data(), static_cast<index_t>(wanted.size()), 1, 1};
    CHECK(dnalm_test::output_gap(wanted, found) <= 1e-4);
    for (const auto& row : twice) {
      REQUIRE(row.size() == alone[0].size());
      CHECK(std::memcmp(row.data(), alone[0].data(), row.size() * sizeof(float)) == 0);
    }
    const auto random = predictions(dnalm::random_twin(folder, 3), {text});
    REQUIRE(random.size() == 1);
    CHECK(random[0].size() == wanted.size());
    CHECK(random[0] != alone[0]);
  }
}

TEST_CASE("members of an ensemble are files of the folder", "[models][supervised]") {
  const dnalm_test::temporary_folder folder("members");
  folder.write("a.npz", "");
  folder.write("b.npz", "");
  const auto found = dnalm::member_files(folder.path(), {"b.npz", "a.npz"});
  REQUIRE(found.size() == 2);
  CHECK(found[0] == folder.path() / "b.npz");
  CHECK(dnalm::member_files(folder.path(), {}).empty());
  const std::string absolute = (folder.path() / "a.npz").string();
  for (const std::string& name : {std::string("c.npz"), std::string("./a.npz"), std::string(""),
                                  std::string("."), std::string(".."), std::string("../a.npz"), absolute}) {
    INFO(name);
    try {
      static_cast<void>(dnalm::member_files(folder.path(), {"a.npz", name}));
      FAIL("taken");
    } catch (const dnalm::error& e) {
      CHECK(e.id() == "dnalm.config.435");
      CHECK(e.details().found == "'" + name + "'");
    }
  }
}

TEST_CASE("networks of a fixed length refuse others", "[models][supervised]") {
  const dnalm::model basset = dnalm::load_model(dnalm_test::golden_supervised / "basset");
  const dnalm::model sei = dnalm::load_model(dnalm_test::golden_supervised / "sei");
  const auto number = [](const dnalm::model& network, std::size_t length) {
    try {
      static_cast<void>(predictions(network, {std::string(length, 'A')}));
    } catch (const dnalm::error& e) {
      return e.number();
    }
    return 0;
  };
  CHECK(number(basset, 600) == 0);
  CHECK(number(basset, 599) >= 400);
  CHECK(number(basset, 601) >= 400);
  CHECK(number(sei, 1) == 0);
  CHECK(number(sei, 4096) == 0);
  CHECK(number(sei, 4097) >= 400);
}

TEST_CASE("PhyloGPN of other blocks than config.json says is an error", "[models][supervised]") {
  const dnalm_test::temporary_folder folder("phylogpn");
  const auto golden = dnalm_test::golden_supervised / "phylogpn";
  std::filesystem::copy_file(golden / "pytorch_model.bin", folder / "pytorch_model.bin");
  std::ofstream(folder / "config.json") << R"({"model_type": "phylogpn", "stack_size": 2, "num_stacks": 3})";
  CHECK_THROWS_WITH(dnalm::load_model(folder.path()), Catch::Contains("dnalm.config.403"));
}

TEST_CASE("PhyloGPN's blocks keep the rows that they are added to, or are an error", "[models][supervised]") {
  const auto load = [](index_t first, index_t second) {
    std::vector<dnalm::io::tensor_info> tensors;
    const auto add = [&](const std::string& name, std::vector<index_t> shape) {
      tensors.push_back({name, dnalm::dtype::f32, std::move(shape)});
    };
    add("embedding.parametrizations.weight.original", {6, 4});
    for (const std::string norm : {"1", "2", "3"}) {
      add("blocks.0.layer_norm" + norm + ".weight", {4});
      add("blocks.0.layer_norm" + norm + ".bias", {4});
    }
    for (const auto& [name, taps] : {std::pair{"conv1", first}, {"conv2", second}, {"conv3", index_t{1}}}) {
      add("blocks.0." + std::string(name) + ".parametrizations.weight.original", {4, 4, taps});
      add("blocks.0." + std::string(name) + ".parametrizations.bias.original", {4});
    }
    const dnalm::tensor_table table(tensors, "sketch");
    const dnalm::detail::config_reader config =
        dnalm::detail::open_config(dnalm_test::golden_supervised / "phylogpn");
    static_cast<void>(dnalm::find_recipe("phylogpn")->make({config, table}));
  };
  CHECK_THROWS_WITH(load(1, 4),
                    Catch::Contains("dnalm.config.432") && Catch::Contains("an odd number of taps"));
  CHECK_THROWS_WITH(load(3, 5), Catch::Contains("dnalm.config.432"));
  CHECK_THROWS_WITH(load(1, 5),
                    !Catch::Contains("an odd number of taps"));  // what stands behind the blocks is missing
}

namespace {

/// Rows of attention of so many letters in the golden Enformer, three poolings by two.
index_t attended_rows(std::size_t letters) {
  return static_cast<index_t>((letters + 7) / 8);
}

/// The golden Enformer with `tf_gammas.pt` of this shape beside its weights.
class enformer_with_gammas {
 public:
  enformer_with_gammas(std::vector<float> gammas, std::vector<index_t> shape) : folder_("enformer") {
    for (const auto& entry :
         std::filesystem::directory_iterator(dnalm_test::golden_supervised / "enformer")) {
      std::filesystem::copy_file(entry.path(), folder_.path() / entry.path().filename());
    }
    const std::vector<dnalm::io::tensor_to_write> tensors = {
        {"gammas", dnalm::dtype::f32, std::move(shape), std::as_bytes(std::span<const float>(gammas))}};
    dnalm::io::write_safetensors(folder_.path() / "tf_gammas.pt", tensors);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
  /// The first prediction of a text.
  [[nodiscard]] std::vector<double> predict(const std::string& text) const {
    const auto rows =
        predictions(dnalm::load_model(folder_.path(), {.backend = dnalm::backend_kind::reference}), {text});
    return {rows.at(0).begin(), rows.at(0).end()};
  }

 private:
  dnalm_test::temporary_folder folder_;
};

/// The formula's densities for so many rows, two functions, times `factor`.
std::vector<float> gammas_of(index_t rows, double factor) {
  const dnalm::matrix<double> x = dnalm::relative_position_features(rows, 12);
  std::vector<float> gammas;
  for (index_t r = 0; r < x.rows(); ++r) {
    for (const index_t k : {4, 5}) gammas.push_back(static_cast<float>(factor * x(r, k)));
  }
  return gammas;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("members of an ensemble of Enformers share one table of gamma densities", "[models][supervised]") {
  const enformer_with_gammas alone(gammas_of(8, 1.1), {15, 2});
  const enformer_with_gammas twice(gammas_of(8, 1.1), {15, 2});
  const auto weights = twice.path() / "pytorch_model.bin";
  std::filesystem::copy_file(weights, twice.path() / "again.bin");
  std::ifstream in(twice.path() / "config.json");
  const std::string config{std::istreambuf_iterator<char>(in), {}};
  std::ofstream(twice.path() / "config.json")
      << R"({"files": ["pytorch_model.bin", "again.bin"], )" << config.substr(1);
  const auto network = dnalm::read_network_config(twice.path());
  std::vector<const dnalm::gamma_table*> tables;
  for (const dnalm::layer_node& node : std::get<dnalm::layer_graph>(network).nodes) {
    if (node.gammas != nullptr) tables.push_back(node.gammas.get());
  }
  REQUIRE(tables.size() >= 2);
  CHECK(
      std::all_of(tables.begin(), tables.end(), [&](const auto* table) { return table == tables.front(); }));
  const std::string text = dnalm_test::random_sequence(3, 64);
  REQUIRE(attended_rows(text.size()) == 8);
  CHECK(twice.predict(text) == alone.predict(text));
}

TEST_CASE("Enformer takes gamma densities from a table beside its weights", "[models][supervised]") {
  const auto golden = dnalm_test::golden_supervised / "enformer";
  const dnalm::io::safetensors_file expected(dnalm_test::golden_supervised / "expected" /
                                             "enformer.safetensors");
  const std::string text = text_of(expected, "case0.sequence");
  const std::vector<double> wanted = dnalm_test::read_numbers(expected, "case0.output");
  const index_t rows = attended_rows(text.size());
  const enformer_with_gammas same(gammas_of(rows, 1.0), {2 * rows - 1, 2});
  CHECK(largest_difference(same.predict(text), wanted) <= 1e-6);  // the table is of floats
  const enformer_with_gammas other(gammas_of(rows, 0.5), {2 * rows - 1, 2});
  CHECK(largest_difference(other.predict(text), wanted) > 1e-4);
  // Of another length it is not looked at.
  const enformer_with_gammas longer(gammas_of(rows + 1, 0.5), {2 * rows + 1, 2});
  CHECK(largest_difference(longer.predict(text), wanted) <= 1e-6);
}

TEST_CASE("a table of gamma densities that does not fit is an error", "[models][supervised]") {
  const auto message = [](const enformer_with_gammas& folder) -> std::string {
    try {
      static_cast<void>(dnalm::load_model(folder.path()));
    } catch (const dnalm::error& e) {
      return e.what();
    }
    return {};
  };
  CHECK(message({gammas_of(3, 1.0), {5, 2}}).empty());
  for (const std::vector<index_t>& shape : {std::vector<index_t>{10}, {2, 5}, {10, 1}, {5, 2, 1}}) {
    const std::string said = message({gammas_of(3, 1.0), shape});
    CHECK_THAT(said, Catch::Contains("dnalm.config.449") && Catch::Contains("tf_gammas.pt"));
  }
  std::vector<float> damaged = gammas_of(3, 1.0);
  damaged[4] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THAT(message({damaged, {5, 2}}), Catch::Contains("dnalm.numeric.288"));
  // The port's own formula needs none.
  const enformer_with_gammas unread(damaged, {10});
  std::ifstream in(unread.path() / "config.json");
  const std::string config{std::istreambuf_iterator<char>(in), {}};
  std::ofstream(unread.path() / "config.json") << R"({"use_tf_gamma": false, )" << config.substr(1);
  CHECK(message(unread).empty());
}
