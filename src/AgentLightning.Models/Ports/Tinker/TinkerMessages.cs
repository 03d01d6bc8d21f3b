namespace AgentLightning.Models.Ports.Tinker;

/// <summary>Opens a session, in which models are made.</summary>
public sealed record CreateSession(IReadOnlyList<string> Tags, string SdkVersion, string Type = "create_session");

/// <summary>Keeps a session alive.</summary>
public sealed record Heartbeat(string SessionId, string Type = "session_heartbeat");

/// <summary>An answer that names a session.</summary>
public sealed record SessionMade(string SessionId, string Type = "create_session");

/// <summary>The adapter to be trained.</summary>
/// <param name="Alpha">Ours: what the change counts, times rank; 32 where it is not said, as other servers of this shape do.</param>
public sealed record LoraConfig(
    int Rank,
    long? Seed = null,
    bool TrainUnembed = true,
    bool TrainMlp = true,
    bool TrainAttn = true,
    float? Alpha = null
);

/// <summary>Makes a model.</summary>
/// <param name="LoraConfig">Null trains all weights, where the server does that.</param>
public sealed record CreateModel(
    string SessionId,
    int ModelSeqId,
    string BaseModel,
    LoraConfig? LoraConfig = null,
    string Type = "create_model"
);

/// <summary>A model to be forgotten.</summary>
public sealed record UnloadModel(string ModelId, string Type = "unload_model");

/// <summary>Numbers of a tensor in one row.</summary>
public sealed record TensorData(double[] Data, string Dtype = TensorData.Real, IReadOnlyList<int>? Shape = null)
{
    /// <summary>Whole numbers.</summary>
    public const string Whole = "int64";

    /// <summary>Single precision.</summary>
    public const string Real = "float32";
}

/// <summary>A part of what the model reads; only tokens are understood.</summary>
public sealed record InputChunk(int[] Tokens, string Type = "encoded_text");

/// <summary>What the model reads.</summary>
public sealed record ModelInput(IReadOnlyList<InputChunk> Chunks);

/// <summary>A sequence: what is read, and for each token of it what comes next and how much that counts.</summary>
public sealed record Datum(ModelInput ModelInput, IReadOnlyDictionary<string, TensorData> LossFnInputs);

/// <summary>Sequences and the loss over them.</summary>
public sealed record LossInput(IReadOnlyList<Datum> Data, string LossFn, IReadOnlyDictionary<string, double>? LossFnConfig = null);

/// <summary>Adds the gradient of a loss.</summary>
public sealed record ForwardBackward(string ModelId, LossInput ForwardBackwardInput, long? SeqId = null);

/// <summary>Computes log-probabilities only.</summary>
public sealed record Forward(string ModelId, LossInput ForwardInput, long? SeqId = null);

/// <summary>AdamW; a clip norm of 0 clips nothing.</summary>
public sealed record AdamParams(
    double LearningRate = 1e-4,
    double Beta1 = 0.9,
    double Beta2 = 0.95,
    double Eps = 1e-12,
    double WeightDecay = 0,
    double GradClipNorm = 0
);

/// <summary>Makes one update.</summary>
public sealed record OptimStep(string ModelId, AdamParams AdamParams, long? SeqId = null, string Type = "optim_step");

/// <summary>Keeps weights and optimizer under a name.</summary>
public sealed record SaveWeights(string ModelId, string Path, long? SeqId = null, string Type = "save_weights");

/// <summary>Goes back to what was saved.</summary>
public sealed record LoadWeights(string ModelId, string Path, long? SeqId = null, string Type = "load_weights");

/// <summary>Keeps weights to be sampled from: under a name, or until the next ones come.</summary>
public sealed record SaveWeightsForSampler(
    string ModelId,
    string? Path = null,
    long? SamplingSessionSeqId = null,
    long? SeqId = null,
    string Type = "save_weights_for_sampler"
);

/// <summary>How tokens are drawn; top-k of -1 is all.</summary>
/// <param name="Stop">Token ids or texts, not both.</param>
public sealed record SamplingParams(
    int? MaxTokens = null,
    long? Seed = null,
    System.Text.Json.JsonElement? Stop = null,
    float Temperature = 1,
    int TopK = -1,
    float TopP = 1
);

/// <summary>Draws continuations.</summary>
public sealed record Sample(
    ModelInput Prompt,
    SamplingParams SamplingParams,
    int NumSamples = 1,
    string? BaseModel = null,
    string? ModelPath = null,
    string? SamplingSessionId = null,
    long? SeqId = null,
    string Type = "sample"
);

/// <summary>Asks for the result of a request.</summary>
public sealed record RetrieveFuture(string RequestId);

/// <summary>An answer that promises a result.</summary>
public sealed record Promise(string RequestId, string? ModelId = null);

/// <summary>What a model that was made is.</summary>
public sealed record ModelMade(string ModelId, string? BaseModel = null, LoraConfig? LoraConfig = null, string Type = "create_model");

/// <summary>What came of a loss: the log-probabilities of the targets of each sequence, and sums.</summary>
public sealed record LossOutput(
    IReadOnlyList<IReadOnlyDictionary<string, TensorData>> LossFnOutputs,
    IReadOnlyDictionary<string, double>? Metrics = null,
    string LossFnOutputType = "ArrayRecord"
);

/// <summary>What came of an update.</summary>
public sealed record OptimStepMade(IReadOnlyDictionary<string, double>? Metrics = null, string Type = "optim_step");

/// <summary>Where something is kept.</summary>
public sealed record Kept(string? Path = null, string? SamplingSessionId = null, string? Type = null);

/// <summary>A continuation.</summary>
public sealed record SampledSequence(int[] Tokens, float[]? Logprobs, string StopReason);

/// <summary>All continuations of a prompt.</summary>
public sealed record SampleMade(IReadOnlyList<SampledSequence> Sequences, string Type = "sample");

/// <summary>A model that a server has.</summary>
/// <param name="VocabularySize">Ours; others do not say it.</param>
/// <param name="MaxContextLength">Ours; others do not say it.</param>
public sealed record SupportedModel(string? ModelName, int? VocabularySize = null, int? MaxContextLength = null);

/// <summary>What a server has and can do.</summary>
/// <param name="SeedBits">Ours: bits of a seed for sampling that it takes; 31 where it is not said.</param>
public sealed record ServerCapabilities(
    IReadOnlyList<SupportedModel> SupportedModels,
    IReadOnlyList<string>? SupportedLossFns = null,
    int? SeedBits = null
);
