using System.Runtime.InteropServices;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// AdamW over the parameters of a model that are trained when it is made. Weight decay spares vectors (norms and biases).
/// </summary>
/// <remarks>Not thread-safe. Sums are made in one order, whatever the number of threads.</remarks>
public sealed unsafe class ParameterOptimizer : IDisposable
{
    private const int PartLength = 1 << 15;
    private readonly WorkerPool _pool;
    private readonly AdamW _rule;
    private readonly (Parameter Parameter, NativeBuffer First, NativeBuffer Second)[] _states;
    private readonly NativeBuffer _sums;

    public ParameterOptimizer(IEnumerable<Parameter> parameters, Compute compute, AdamW rule)
    {
        (_pool, _rule) = (compute.Pool, rule);
        _states =
        [
            .. parameters
                .Where(p => p.IsTrained)
                .Select(p => (p, new NativeBuffer(p.StoredCount * sizeof(float)), new NativeBuffer(p.StoredCount * sizeof(float)))),
        ];
        if (_states.Length == 0)
        {
            throw new ArgumentException(
                "None of the parameters is trained, so there is nothing to optimize. Call Train(true) on some first, or add an adapter.",
                nameof(parameters)
            );
        }

        _sums = new NativeBuffer(_states.Max(state => Parts(state.Parameter)) * sizeof(double));
    }

    /// <summary>Updates made. Set it, with the moments, to go on from a checkpoint.</summary>
    public int Steps { get; set; }

    /// <summary>The parameters that it moves.</summary>
    public IEnumerable<Parameter> Parameters => _states.Select(state => state.Parameter);

    /// <summary>√Σ g² over all gradients.</summary>
    public double GradientNorm()
    {
        double total = 0;
        foreach (var (parameter, _, _) in _states)
        {
            var parts = Parts(parameter);
            _pool.Run(new NormJob(parameter.Gradient, parameter.StoredCount, (double*)_sums.Data), parts);
            foreach (var sum in new ReadOnlySpan<double>(_sums.Data, parts))
            {
                total += sum;
            }
        }

        return Math.Sqrt(total);
    }

    /// <summary>One update, after which the gradients are zero.</summary>
    /// <param name="learningRate">0 or more.</param>
    /// <param name="clipNorm">Gradients longer than this are shortened to it; infinite by default.</param>
    /// <returns>The norm of the gradients before clipping. When it is not a number, nothing but the gradients changes.</returns>
    public double Step(float learningRate, double clipNorm = double.PositiveInfinity) => Step(_rule, learningRate, clipNorm);

    /// <summary>The same by another rule.</summary>
    public double Step(AdamW matrixRule, float learningRate, double clipNorm)
    {
        var vectorRule = matrixRule with { WeightDecay = 0 };
        var norm = GradientNorm();
        if (double.IsFinite(norm))
        {
            Steps++;
            var scale = norm > clipNorm ? (float)(clipNorm / norm) : 1;
            foreach (var (parameter, first, second) in _states)
            {
                var rule = parameter.IsVector ? vectorRule : matrixRule;
                _pool.Run(
                    new UpdateJob(
                        rule,
                        parameter.Vector,
                        parameter.Gradient,
                        (float*)first.Data,
                        (float*)second.Data,
                        parameter.StoredCount,
                        learningRate,
                        Steps,
                        scale
                    ),
                    Parts(parameter)
                );
            }
        }
        else
        {
            ClearGradients();
        }

        return norm;
    }

    /// <summary>Forgets what has been added up.</summary>
    public void ClearGradients()
    {
        foreach (var (parameter, _, _) in _states)
        {
            NativeMemory.Clear(parameter.Gradient, (nuint)(parameter.StoredCount * sizeof(float)));
        }
    }

    /// <summary>
    /// Bytes of a parameter's first or second moment, in memory order, to be written to a checkpoint of a run or read from one.
    /// </summary>
    public Span<byte> Moment(Parameter parameter, bool second)
    {
        var index = Array.FindIndex(_states, state => state.Parameter == parameter);
        if (index < 0)
        {
            throw new ArgumentException($"Parameter '{parameter.Name}' is not optimized here.", nameof(parameter));
        }

        var buffer = second ? _states[index].Second : _states[index].First;
        return new Span<byte>(buffer.Data, checked((int)buffer.Bytes));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, first, second) in _states)
        {
            first.Dispose();
            second.Dispose();
        }

        _sums.Dispose();
    }

    private static int Parts(Parameter parameter) => (int)((parameter.StoredCount + PartLength - 1) / PartLength);

    private static int LengthOf(int part, long count) => (int)Math.Min(PartLength, count - ((long)part * PartLength));

    private readonly struct NormJob(float* gradient, long count, double* sums) : IJob
    {
        public void Run(int part, float* scratch)
        {
            var from = gradient + ((long)part * PartLength);
            var length = LengthOf(part, count);
            double sum = 0;
            for (var i = 0; i < length; i += 1024)
            {
                sum += Lanes.Dot(from + i, from + i, Math.Min(1024, length - i));
            }

            sums[part] = sum;
        }
    }

    private readonly struct UpdateJob(
        AdamW rule,
        float* weights,
        float* gradient,
        float* first,
        float* second,
        long count,
        float learningRate,
        int step,
        float scale
    ) : IJob
    {
        public void Run(int part, float* scratch)
        {
            var (from, length) = ((long)part * PartLength, LengthOf(part, count));
            var g = new Span<float>(gradient + from, length);
            rule.Update(
                new Span<float>(weights + from, length),
                g,
                new Span<float>(first + from, length),
                new Span<float>(second + from, length),
                learningRate,
                step,
                scale
            );
            g.Clear();
        }
    }
}
