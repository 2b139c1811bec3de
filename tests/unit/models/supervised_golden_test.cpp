// SPDX-License-Identifier: Apache-2.0
// Supervised networks against the published code: predictions, embeddings, input gradients.
#include <dnalm/models/backends.hpp>
#include <dnalm/models/detail/config_file.hpp>
#include <unit/models/supervised_runs.hpp>

#include <set>

#include <nlohmann/json.hpp>

using dnalm::index_t;

namespace {

const std::vector<std::string> cases = {
    "sei",      "deepsea_predict", "deepsea_variant_effects", "beluga",   "basset",  "legnet",
    "enformer", "legnet_reverse",  "enformer_port",           "mtsplice", "phylogpn"};

/// The number of the error that a folder's network would be with these tensors: of its recipe, or 411 where a
/// tensor is left over; 0: none.
int number_of(const std::string& name, const std::vector<dnalm::io::tensor_info>& tensors) {
  try {
    const auto folder = dnalm_test::golden_supervised / name;
    const auto config = dnalm::detail::open_config(folder);
    const dnalm::tensor_table table(tensors, name);
    const auto description = dnalm::open_model_weights(folder).metadata("model_config");
    const auto graph = dnalm::find_recipe(config.text("model_type", ""))->make({config, table, description});
    std::set<std::string> planned;
    for (const auto& tensor : dnalm::plan_tensors(dnalm::network_config(graph))) planned.insert(tensor.name);
    for (const auto& tensor : tensors) {
      if (planned.count(tensor.name) == 0) return 411;
    }
  } catch (const dnalm::error& e) {
    return e.number();
  }
  return 0;
}

/// Tensors that a network needs: not counts of batches, nor Enformer's second names.
bool is_needed(const std::string& name) {
  return !name.ends_with("num_batches_tracked") && !name.starts_with("_trunk.");
}

}  // namespace

TEST_CASE("supervised networks give what the published code gives", "[models][supervised]") {
  for (const std::string& name : cases) {
    INFO(name);
    dnalm_test::check_gaps(dnalm_test::run_supervised(name, dnalm::reference_backend()),
                           dnalm_test::run_supervised(name, dnalm::cpu_backend()));
  }
}

TEST_CASE("a supervised network with a tensor missing or of another shape is an error",
          "[models][supervised]") {
  for (const std::string& name : cases) {
    const auto tensors = dnalm::open_model_weights(dnalm_test::golden_supervised / name).tensors();
    REQUIRE(number_of(name, tensors) == 0);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (!is_needed(tensors[i].name)) continue;
      INFO(name << ", " << tensors[i].name);
      auto fewer = tensors;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      CHECK(number_of(name, fewer) >= 400);
      auto other = tensors;
      other[i].shape.front() += 1;
      CHECK(number_of(name, other) >= 400);
      if (tensors[i].size() > 1) {
        other[i].shape = {};
        CHECK(number_of(name, other) >= 400);
      }
      other[i].shape.assign(4, index_t{1} << 40);
      CHECK(number_of(name, other) > 0);
    }
    auto more = tensors;
    more.push_back({"more.weight", dnalm::dtype::f32, {1}});
    CHECK(number_of(name, more) == 411);
  }
}
