// SPDX-License-Identifier: Apache-2.0
// Folders of supervised networks behind `model`: what any program gets from load_model.
#include <dnalm/models/load_model.hpp>

#include <cstring>
#include <variant>
#include <vector>

#include <dnalm/models/layer_recipe.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/catch.hpp>
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
  const std::pair<const char*, const char*> folders[] = {{"sei", "Sei"},       {"deepsea_predict", "DeepSEA"},
                                                         {"beluga", "Beluga"}, {"basset", "Basset"},
                                                         {"legnet", "LegNet"}, {"enformer", "Enformer"}};
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
