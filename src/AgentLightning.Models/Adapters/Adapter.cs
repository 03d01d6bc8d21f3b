using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Adapters;

/// <summary>
/// A low-rank change of a model (LoRA): for each layer that it changes A [rank × inputs] and B [outputs × rank], in single precision. While
/// it is attached, sessions compute with it, and it is what is trained; the weights of the model stay as they are. A model has one at a
/// time.
/// </summary>
/// <remarks>
/// Attach, detach and merge between steps, and start sequences anew afterwards: what is cached belongs to the weights it was made with.
/// </remarks>
public sealed class Adapter : IDisposable
{
    private readonly Transformer _model;
    private readonly (Linear Layer, LowRankAdapter Change)[] _changes;

    private Adapter(Transformer model, AdapterOptions options, Linear[] layers)
    {
        (_model, Options) = (model, options);
        _changes = Array.ConvertAll(layers, layer =>
            (
                layer,
                new LowRankAdapter(
                    new Parameter($"{PeftNames.Prefix}{layer.Name}.lora_A.weight", options.Rank, layer.Weight.Inputs, StoredType.F32),
                    new Parameter($"{PeftNames.Prefix}{layer.Name}.lora_B.weight", layer.Outputs, options.Rank, StoredType.F32),
                    options.Scale
                )
            )
        );
        Parameters = [.. _changes.SelectMany(change => new[] { change.Change.A, change.Change.B })];
    }

    /// <summary>Its shape.</summary>
    public AdapterOptions Options { get; }

    /// <summary>A and B of each layer, under the names of PEFT files.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Whether the model computes with it.</summary>
    public bool IsAttached => _changes[0].Layer.Adapter == _changes[0].Change;

    /// <summary>Whether it has been added to the weights of the model.</summary>
    public bool IsMerged { get; private set; }

    internal IEnumerable<string> Layers => _changes.Select(change => change.Layer.Name);

    internal bool FanInFanOut => _changes[0].Layer.Weight.InputsFirst;

    /// <summary>A new adapter that changes nothing yet: A is U(±1/√inputs), B is 0. It is neither attached nor trained.</summary>
    public static Adapter Create(Transformer model, AdapterOptions options, long seed)
    {
        var adapter = Allocate(model, options);
        var random = new SeededRandom(seed);
        foreach (var (_, change) in adapter._changes)
        {
            var values = new float[change.A.Count];
            var bound = 1 / MathF.Sqrt(change.A.Inputs);
            foreach (ref var value in values.AsSpan())
            {
                value = bound * ((2 * random.NextSingle()) - 1);
            }

            change.A.Write(0, values);
        }

        return adapter;
    }

    /// <summary>Makes the model compute with it.</summary>
    public void Attach()
    {
        if (IsMerged || _changes.Any(change => change.Layer.Adapter is { } other && other != change.Change))
        {
            throw new InvalidOperationException(
                IsMerged
                    ? "This adapter is merged into the weights, so attaching it would count it twice. Unmerge it first."
                    : "Another adapter is attached to this model. Detach it first."
            );
        }

        foreach (var (layer, change) in _changes)
        {
            layer.Adapter = change;
        }
    }

    /// <summary>Makes the model compute without it.</summary>
    public void Detach()
    {
        foreach (var (layer, change) in _changes.Where(change => change.Layer.Adapter == change.Change))
        {
            layer.Adapter = null;
        }
    }

    /// <summary>Trains it, and nothing else of the model, or stops.</summary>
    public void Train(bool on)
    {
        if (on)
        {
            _model.Train(false);
        }

        foreach (var parameter in Parameters)
        {
            parameter.Train(on);
        }
    }

    /// <summary>Adds scale · B·A to the weights and detaches it. Weights that are kept narrow are rounded.</summary>
    public void Merge() => Add(1, merged: true);

    /// <summary>Takes scale · B·A off the weights again, up to rounding.</summary>
    public void Unmerge() => Add(-1, merged: false);

    /// <inheritdoc/>
    public void Dispose()
    {
        Detach();
        foreach (var (_, change) in _changes)
        {
            change.Dispose();
        }
    }

    /// <summary>An adapter whose numbers are zero, to be filled.</summary>
    internal static Adapter Allocate(Transformer model, AdapterOptions options)
    {
        options.Validate();
        Linear[] layers =
        [
            .. model.Linears.Where(layer =>
                options.Targets is null || options.Targets.Any(target => PeftNames.IsTarget(layer.Name, target))
            ),
        ];
        if (options.Targets?.FirstOrDefault(target => !layers.Any(layer => PeftNames.IsTarget(layer.Name, target))) is { } unknown)
        {
            var known = model.Linears.Select(layer => PeftNames.Last(layer.Name)).Distinct();
            throw new ArgumentException(
                $"No layer of this model is called '{unknown}'. Adapters can be had on: {string.Join(", ", known)}."
            );
        }

        return layers.Length > 0
            ? new Adapter(model, options, layers)
            : throw new ArgumentException("An adapter must name at least one layer, but its targets are empty.");
    }

    private void Add(float sign, bool merged)
    {
        if (IsMerged == merged)
        {
            throw new InvalidOperationException(merged ? "This adapter is merged already." : "This adapter is not merged.");
        }

        Detach();
        foreach (var (layer, change) in _changes)
        {
            AdapterMath.AddProduct(layer.Weight, change, sign * change.Scale);
        }

        IsMerged = merged;
    }
}
