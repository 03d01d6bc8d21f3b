using System.Globalization;
using AgentLightning.Engine.Tuned;
using AgentLightning.Models.Adapters;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Tensors;
using AgentLightning.Training;

namespace AgentLightning.Engine.Learning;

/// <summary>
/// A model in memory that learns, whole or as an adapter. An adapter of an earlier run is merged into the weights first, so that the model
/// as it was is the reference, and is added to the new one in the end: what comes out changes the same base model.
/// </summary>
internal sealed class Learner : IDisposable
{
    private readonly BaseModel _base;
    private readonly LanguageModel _loaded;
    private readonly LanguageModel? _reference;
    private readonly Adapter? _earlier,
        _adapter;

    private Learner(BaseModel model, LanguageModel loaded, LanguageModel? reference, Adapter? earlier, Adapter? adapter) =>
        (_base, _loaded, _reference, _earlier, _adapter) = (model, loaded, reference, earlier, adapter);

    public LanguagePolicy Policy(LearningData data) => new(_loaded.Model, _loaded.Compute, _adapter, data.Tokenizer, _reference?.Model);

    public string Summary
    {
        get
        {
            var all = _loaded.Model.ParameterCount / 1e6;
            var learned = (_adapter?.Parameters ?? _loaded.Model.Parameters).Sum(one => (double)one.Count) / 1e6;
            var (with, what) = (_earlier is null ? "" : " with the adapter of an earlier run", _adapter is null ? "" : " (an adapter)");
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{_base.Name}{with}: {all:F1} million numbers; {learned:F2} million learn{what}."
            );
        }
    }

    public static Learner Create(BaseModel model, LearningSettings settings, TrainingMethod method, CancellationToken cancellationToken)
    {
        StoredType? type = model.KeepsSingles(settings) ? StoredType.F32 : null;
        var loaded = LanguageModel.Load(model.Folder, null, settings.Threads, type, cancellationToken);
        LanguageModel? reference = null;
        Adapter? earlier = null;
        try
        {
            if (model.Adapter is { } folder)
            {
                earlier = PeftFolder.Load(folder, loaded.Model, loaded.Compute);
                earlier.Merge();
            }

            if (settings.Full)
            {
                if (LearningSettings.Draws(method) && settings.Beta > 0)
                {
                    reference = LanguageModel.Load(model.Folder, null, settings.Threads, StoredType.F32, cancellationToken);
                    Merge(model.Adapter, reference);
                }

                loaded.Model.Train(true);
                return new Learner(model, loaded, reference, earlier, null);
            }

            var adapter = Adapter.Create(loaded.Model, new AdapterOptions { Rank = settings.Rank, Alpha = settings.Alpha }, settings.Seed);
            adapter.Attach();
            adapter.Train(true);
            return new Learner(model, loaded, null, earlier, adapter);
        }
        catch
        {
            earlier?.Dispose();
            reference?.Dispose();
            loaded.Dispose();
            throw;
        }
    }

    /// <summary>Writes what was learned into a folder.</summary>
    public async Task<TunedKind> SaveAsync(string folder, CancellationToken cancellationToken)
    {
        if (_adapter is null || _base.IsTuned)
        {
            _adapter?.Merge();
            await HuggingFaceFolder
                .SaveAsync(_loaded.Model, folder, copyFrom: _base.Folder, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            return TunedKind.Model;
        }

        using var sum = _earlier is null ? null : AdapterSum.Of(_loaded.Model, _earlier, _adapter);
        await PeftFolder.SaveAsync(sum ?? _adapter, folder, _base.Name, cancellationToken).ConfigureAwait(false);
        return TunedKind.Adapter;
    }

    public void Dispose()
    {
        _adapter?.Dispose();
        _earlier?.Dispose();
        _reference?.Dispose();
        _loaded.Dispose();
    }

    private static void Merge(string? folder, LanguageModel model)
    {
        if (folder is not null)
        {
            using var adapter = PeftFolder.Load(folder, model.Model, model.Compute);
            adapter.Merge();
        }
    }
}
