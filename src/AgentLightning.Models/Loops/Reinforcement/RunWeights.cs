using AgentLightning.Models.Ports;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>Where a run keeps its weights: in its folder when the model is in this process, and where the model is otherwise.</summary>
internal abstract class RunWeights
{
    /// <summary>What tells one model from another, for the fingerprint of the run.</summary>
    public abstract IEnumerable<string> Layers { get; }

    public static RunWeights Of(IModelPort port) => port is LocalModelPort local ? new OwnWeights(local) : new DistantWeights(port);

    /// <summary>Remembers the weights as they are now as the best.</summary>
    public abstract Task KeepBestAsync(int step, CancellationToken cancellationToken);

    /// <summary>Brings the best weights back. Returns whether there are any.</summary>
    public abstract Task<bool> RestoreBestAsync(CancellationToken cancellationToken);

    public abstract Task SaveAsync(RunFolder run, string fingerprint, int step, CancellationToken cancellationToken);

    /// <summary>Goes back to the checkpoint of a run. Returns its step, or null where there is none.</summary>
    public abstract Task<int?> TryLoadAsync(RunFolder run, string fingerprint, CancellationToken cancellationToken);

    private sealed class OwnWeights(LocalModelPort port) : RunWeights
    {
        private const string Prefix = "best.";
        private IReadOnlyList<float[]>? _best;

        public override IEnumerable<string> Layers =>
            port.Optimizer.Parameters.Select(parameter => $"{parameter.Name} {string.Join(',', parameter.Shape)};");

        public override Task KeepBestAsync(int step, CancellationToken cancellationToken)
        {
            _best = port.CopyWeights();
            return Task.CompletedTask;
        }

        public override Task<bool> RestoreBestAsync(CancellationToken cancellationToken)
        {
            if (_best is not null)
            {
                port.SetWeights(_best);
            }

            return Task.FromResult(_best is not null);
        }

        public override Task SaveAsync(RunFolder run, string fingerprint, int step, CancellationToken cancellationToken)
        {
            var numbers = port
                .Policy.Parameters.Zip(_best ?? [])
                .ToDictionary(pair => Prefix + pair.First.Name, pair => pair.Second, StringComparer.Ordinal);
            return run.SaveAsync(port.Optimizer, fingerprint, new RunState(step, numbers), cancellationToken);
        }

        public override Task<int?> TryLoadAsync(RunFolder run, string fingerprint, CancellationToken cancellationToken)
        {
            if (!run.TryLoad(port.Optimizer, fingerprint, out var state))
            {
                return Task.FromResult<int?>(null);
            }

            _best =
                state.Numbers.Count == 0 ? null : [.. port.Policy.Parameters.Select(parameter => state.Numbers[Prefix + parameter.Name])];
            return Task.FromResult<int?>(state.Step);
        }
    }

    private sealed class DistantWeights(IModelPort port) : RunWeights
    {
        private string? _best,
            _last,
            _bestOfLast;

        public override IEnumerable<string> Layers => [port.ToString()!];

        public override async Task KeepBestAsync(int step, CancellationToken cancellationToken)
        {
            var before = _best;
            _best = await port.SaveAsync($"best-{step}", cancellationToken).ConfigureAwait(false);
            // What the checkpoint of the run names must stay until there is another.
            if (before is not null && before != _bestOfLast)
            {
                await port.DeleteAsync(before, cancellationToken).ConfigureAwait(false);
            }
        }

        public override async Task<bool> RestoreBestAsync(CancellationToken cancellationToken)
        {
            if (_best is not null)
            {
                await port.LoadAsync(_best, cancellationToken).ConfigureAwait(false);
            }

            return _best is not null;
        }

        public override async Task SaveAsync(RunFolder run, string fingerprint, int step, CancellationToken cancellationToken)
        {
            var path = await port.SaveAsync($"step-{step}", cancellationToken).ConfigureAwait(false);
            await run.SaveAsync(new SavedElsewhere(step, fingerprint, path, _best), cancellationToken).ConfigureAwait(false);
            foreach (var old in ((string?[])[_last, _bestOfLast == _best ? null : _bestOfLast]).OfType<string>())
            {
                await port.DeleteAsync(old, cancellationToken).ConfigureAwait(false);
            }

            (_last, _bestOfLast) = (path, _best);
        }

        public override async Task<int?> TryLoadAsync(RunFolder run, string fingerprint, CancellationToken cancellationToken)
        {
            if (run.TryLoadElsewhere(fingerprint) is not { } saved)
            {
                return null;
            }

            await port.LoadAsync(saved.Weights, cancellationToken).ConfigureAwait(false);
            (_best, _bestOfLast, _last) = (saved.Best, saved.Best, saved.Weights);
            return saved.Step;
        }
    }
}
