using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// Softmax, log-probability of one target and entropy per row of logits in one pass, and in another the gradient of the logits, written
/// over them. Logits count divided by <paramref name="temperature"/>.
/// </summary>
internal readonly unsafe struct TokenLoss(int vocabulary, float temperature)
{
    /// <param name="results">[rows × 3]: log-probability of the target, entropy, ln Σ e^logit.</param>
    public void Forward(WorkerPool pool, int rows, Rows logits, int* targets, float* results) =>
        pool.Run(new ForwardJob(vocabulary, 1 / temperature, logits, targets, results), rows);

    /// <summary>dLogit[v] = (dLogProbability·([v is the target] − p[v]) − dEntropy·p[v]·(ln p[v] + H)) / temperature.</summary>
    /// <param name="gradients">[rows × 2]: of the log-probability and of the entropy.</param>
    public void Backward(WorkerPool pool, int rows, Rows logits, int* targets, float* results, float* gradients) =>
        pool.Run(new BackwardJob(vocabulary, 1 / temperature, logits, targets, results, gradients), rows);

    private readonly struct ForwardJob(int vocabulary, float scale, Rows logits, int* targets, float* results) : IJob
    {
        public void Run(int part, float* scratch)
        {
            var z = logits[part];
            var max = Vector512.Create(float.NegativeInfinity);
            for (var i = 0; i < vocabulary; i += Lanes.Count)
            {
                max = Vector512.Max(max, Vector512.ConditionalSelect(Lanes.Below(vocabulary - i), Vector512.Load(z + i), max));
            }

            var top = Lanes.Max(max);
            Vector512<float> sum = default,
                weighted = default;
            for (var i = 0; i < vocabulary; i += Lanes.Count)
            {
                var left = vocabulary - i;
                var shifted = (Lanes.Load(z + i, left) - Vector512.Create(top)) * scale;
                var e = Lanes.Exp(shifted) & Lanes.Below(left);
                sum += e;
                weighted += e * shifted;
            }

            var total = Vector512.Sum(sum);
            var log = MathF.Log(total);
            var result = results + (3 * part);
            result[0] = ((z[targets[part]] - top) * scale) - log;
            result[1] = log - (Vector512.Sum(weighted) / total);
            result[2] = (top * scale) + log;
        }
    }

    private readonly struct BackwardJob(int vocabulary, float scale, Rows logits, int* targets, float* results, float* gradients) : IJob
    {
        public void Run(int part, float* scratch)
        {
            var z = logits[part];
            var (entropy, logSum) = (results[(3 * part) + 1], results[(3 * part) + 2]);
            var (dLogProbability, dEntropy) = (gradients[2 * part], gradients[(2 * part) + 1]);
            for (var i = 0; i < vocabulary; i += Lanes.Count)
            {
                var left = vocabulary - i;
                var logP = (Lanes.Load(z + i, left) * scale) - Vector512.Create(logSum);
                var slope = Vector512.Create(dLogProbability) + ((logP + Vector512.Create(entropy)) * dEntropy);
                Lanes.Store(Lanes.Exp(logP) * slope * -scale, z + i, left);
            }

            z[targets[part]] += dLogProbability * scale;
        }
    }
}
