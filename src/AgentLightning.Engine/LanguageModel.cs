using AgentLightning.Common;
using AgentLightning.Engine.Chat;
using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.ChatTemplates;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Engine;

/// <summary>
/// A language model of a folder, loaded: weights, threads, and perhaps an adapter. What is wrong with any of them is a
/// <see cref="LightningException"/>.
/// </summary>
public sealed class LanguageModel : IDisposable
{
    private readonly IDisposable? _lease;

    private LanguageModel(string folder, Compute compute, Transformer model, Adapter? adapter, IDisposable? lease) =>
        (Folder, Compute, Model, Adapter, _lease) = (folder, compute, model, adapter, lease);

    /// <summary>Where it was loaded from.</summary>
    public string Folder { get; }

    /// <summary>Its threads.</summary>
    public Compute Compute { get; }

    /// <summary>Its weights.</summary>
    public Transformer Model { get; }

    /// <summary>What it computes with beside its weights, or null.</summary>
    public Adapter? Adapter { get; }

    /// <summary>Reads and checks all of it.</summary>
    /// <param name="threads">Threads that compute; 0 is one per processor.</param>
    /// <param name="adapter">Folder of an adapter, which is attached; or null.</param>
    /// <param name="type">How matrices are kept; null as the file does.</param>
    public static LanguageModel Load(string folder, string? adapter, int threads, StoredType? type, CancellationToken cancellationToken) =>
        Load(folder, adapter, threads, type, null, cancellationToken);

    /// <summary>The same with weights that others use too; they must not be trained.</summary>
    internal static LanguageModel Load(
        string folder,
        string? adapter,
        int threads,
        StoredType? type,
        WeightCache? weights,
        CancellationToken cancellationToken
    ) =>
        Guard(() =>
        {
            CheckFolder(folder);
            var compute = new Compute(threads);
            Transformer? model = null;
            IDisposable? lease = null;
            try
            {
                (model, lease) = weights is null ? (Read(), null) : weights.Rent(folder, type, Read);
                var loaded = adapter is null ? null : PeftFolder.Load(adapter, model, compute);
                loaded?.Attach();
                return new LanguageModel(folder, compute, model, loaded, lease);

                Transformer Read() => HuggingFaceFolder.Load(folder, compute, type, cancellationToken);
            }
            catch
            {
                model?.Dispose();
                lease?.Dispose();
                compute.Dispose();
                throw;
            }
        });

    /// <summary>The tokenizer of the folder.</summary>
    public static Tokenizer LoadTokenizer(string folder) =>
        Guard(() =>
        {
            CheckFolder(folder);
            return Tokenizer.Load(folder);
        });

    /// <summary>The tokenizer of the folder, or null where it has none.</summary>
    public static Tokenizer? TryLoadTokenizer(string folder) =>
        Guard(() =>
        {
            try
            {
                return Tokenizer.Load(folder);
            }
            catch (FileNotFoundException)
            {
                return null;
            }
        });

    /// <summary>Turns what the engine says of its input into an error for whoever gave it.</summary>
    public static T Guard<T>(Func<T> use)
    {
        try
        {
            return use();
        }
        catch (Exception e) when (IsOfInput(e))
        {
            throw AsInvalid(e);
        }
    }

    /// <summary>The same for what is awaited.</summary>
    public static async Task<T> GuardAsync<T>(Func<Task<T>> use)
    {
        try
        {
            return await use().ConfigureAwait(false);
        }
        catch (Exception e) when (IsOfInput(e))
        {
            throw AsInvalid(e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Adapter?.Dispose();
        Model.Dispose();
        _lease?.Dispose();
        Compute.Dispose();
    }

    private static void CheckFolder(string folder)
    {
        if (!Directory.Exists(folder) && !Directory.Exists(Path.TrimEndingDirectorySeparator(folder) + ".old"))
        {
            throw LightningException.Invalid(
                $"There is no folder '{folder}'. A model is a folder with config.json, model.safetensors and tokenizer.json."
            );
        }
    }

    private static bool IsOfInput(Exception e) =>
        e is InvalidDataException or ArgumentException or FileNotFoundException or UnsupportedTokenizerException or ChatTemplateException;

    /// <summary>The first line, without the name of a parameter that nobody outside can see.</summary>
    private static LightningException AsInvalid(Exception e)
    {
        var line = e.Message.Split('\n')[0].TrimEnd('\r');
        var parameter = line.LastIndexOf(" (Parameter '", StringComparison.Ordinal);
        return new LightningException(ErrorKind.Invalid, parameter >= 0 ? line[..parameter] : line, e);
    }
}
