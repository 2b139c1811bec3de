// SPDX-License-Identifier: Apache-2.0
// The kernels of Mamba's mixer of the GPU's backend on the emulated grid: near double, on poisoned memory and
// ragged batches, and bit for bit the same alone, from the other end and in another order of threads.
#include <support/cuda_emulation/emulated_backend.hpp>
#include <support/cuda_emulation/grid.hpp>
#include <unit/cuda/scan_runs.hpp>

using dnalm::index_t;
using dnalm::scan_order;
using dnalm_test::normal_numbers;
using dnalm_test::numbers;
using dnalm_test::scan_problem;
using dnalm_test::gpu::emulation;
using emulated_scans = dnalm_test::scans_on_host<dnalm_test::gpu::relabelled_memory>;

namespace {

const std::vector<index_t> around_chunks{1, 2, 0, 63, 64, 65, 200};

}  // namespace

TEST_CASE("cuda: the selective scan and its adjoint are near double, in place too", "[cuda][scan]") {
  const emulated_scans b;
  for (const scan_order order : {scan_order::forward, scan_order::backward}) {
    dnalm_test::check_scan(b, {around_chunks, 1, 1, order});
    dnalm_test::check_scan(b, {around_chunks, 21, 3, order});
    dnalm_test::check_scan(b, {{130, 7}, 70, 16, order});
  }
  dnalm_test::check_scan(b, {{40, 64}, 33, 5});  // no chunk meets another
}

TEST_CASE("cuda: a scan of more states than a thread holds is near double", "[cuda][scan]") {
  const emulated_scans b;
  dnalm_test::check_scan(b, {{70, 3}, 5, 17});
  dnalm_test::check_scan(b, {{20}, 3, 40, scan_order::backward});
}

TEST_CASE("cuda: <u, J t> = <J^T u, t> for the selective scan", "[cuda][scan][adjoint]") {
  const emulated_scans b;
  const scan_problem p{{1, 5, 70}, 3, 4, scan_order::backward};
  dnalm_test::adjoint_problem problem;
  problem.x = normal_numbers(p.size(), 1);
  problem.forward = [&](const numbers& x) { return dnalm_test::run_scan(dnalm::reference_backend(), p, x); };
  problem.vjp = [&](const numbers& x, const numbers& u) { return dnalm_test::run_scan_vjp(b, p, x, u); };
  problem.bound = [&](const numbers& x, const numbers& u) {
    return dnalm_test::scan_vjp_bound(p, dnalm_test::run_scan_vjp(dnalm::reference_backend(), p, x, u));
  };
  problem.step = 0x1p-7;
  dnalm_test::check_adjoint(problem, 2);
}

TEST_CASE("cuda: a sequence's scan has the same bits alone, from the other end and in any order of threads",
          "[cuda][scan]") {
  const emulated_scans b;
  const scan_problem batch{{150, 1, 64, 70}, 70, 5, scan_order::backward};
  dnalm_test::check_scan_alone(b, batch);
  dnalm_test::check_scan_turned_round(b, {{150, 3, 64}, 35, 16});
  const numbers x = normal_numbers(batch.size(), 11);
  const numbers u = normal_numbers(batch.rows() * batch.channels, 12);
  const numbers y = dnalm_test::run_scan(b, batch, x);
  const numbers g = dnalm_test::run_scan_vjp(b, batch, x, u);
  for (const std::uint64_t seed : {1U, 2U}) {
    emulation().seed = seed;
    CHECK(dnalm_test::same_numbers(y, dnalm_test::run_scan(b, batch, x)));
    CHECK(dnalm_test::same_numbers(g, dnalm_test::run_scan_vjp(b, batch, x, u)));
  }
  emulation().seed = 0;
}

TEST_CASE("cuda: a long scan carries its states over many chunks", "[cuda][scan]") {
  // 20 chunks: more than a thread asks for at a time.
  dnalm_test::check_scan(emulated_scans(), {{64 * 19 + 5}, 2, 2});
}

TEST_CASE("cuda: steps of the selective scan at all magnitudes", "[cuda][scan]") {
  dnalm_test::check_scan_steps(emulated_scans());
}

TEST_CASE("cuda: an empty batch is scanned without a launch", "[cuda][scan]") {
  dnalm_test::check_scan(emulated_scans(), {{0, 0}, 4, 2});
}

TEST_CASE("cuda: short convolutions from the other end, and strands", "[cuda][scan]") {
  const emulated_scans b;
  dnalm_test::check_short_back(b, {{1, 2, 0, 3, 4, 20}, 35, 1});
  for (const index_t channels : {1, 19, 64}) dnalm_test::check_strands(b, 7, channels);
}
