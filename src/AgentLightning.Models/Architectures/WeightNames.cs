using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>Makes the weights of a model under the names that Hugging Face checkpoints of its family use.</summary>
internal sealed class WeightNames(TransformerConfig config, StoredType type)
{
    public Parameter TokenTable() =>
        Matrix(config.IsGpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight", config.VocabularySize, config.Width);

    public Parameter PositionTable() => Matrix("transformer.wpe.weight", config.MaxPositions, config.Width);

    public Norm FinalNorm() => config.IsGpt2 ? LayerNorm("transformer.ln_f") : RmsNorm("model.norm", config.Width);

    public Linear Output() => new(Matrix("lm_head.weight", config.VocabularySize, config.Width), null);

    public TransformerLayer Layer(int index) => config.IsGpt2 ? Gpt2Layer($"transformer.h.{index}") : LlamaLayer($"model.layers.{index}");

    private TransformerLayer Gpt2Layer(string at) =>
        new(
            LayerNorm($"{at}.ln_1"),
            [Conv1D($"{at}.attn.c_attn", config.Width, 3 * config.Width)],
            null,
            null,
            Conv1D($"{at}.attn.c_proj", config.Width, config.Width),
            LayerNorm($"{at}.ln_2"),
            [Conv1D($"{at}.mlp.c_fc", config.Width, config.InnerWidth)],
            Conv1D($"{at}.mlp.c_proj", config.InnerWidth, config.Width)
        );

    private TransformerLayer LlamaLayer(string at)
    {
        var (queries, keys) = (config.Heads * config.HeadWidth, config.KeyValueHeads * config.HeadWidth);
        return new(
            RmsNorm($"{at}.input_layernorm", config.Width),
            [
                Linear($"{at}.self_attn.q_proj", config.Width, queries, config.QueryKeyValueBias),
                Linear($"{at}.self_attn.k_proj", config.Width, keys, config.QueryKeyValueBias),
                Linear($"{at}.self_attn.v_proj", config.Width, keys, config.QueryKeyValueBias),
            ],
            config.QueryKeyNorm ? RmsNorm($"{at}.self_attn.q_norm", config.HeadWidth) : null,
            config.QueryKeyNorm ? RmsNorm($"{at}.self_attn.k_norm", config.HeadWidth) : null,
            Linear($"{at}.self_attn.o_proj", queries, config.Width, config.AttentionOutputBias),
            RmsNorm($"{at}.post_attention_layernorm", config.Width),
            [
                Linear($"{at}.mlp.gate_proj", config.Width, config.InnerWidth, config.FeedForwardBias),
                Linear($"{at}.mlp.up_proj", config.Width, config.InnerWidth, config.FeedForwardBias),
            ],
            Linear($"{at}.mlp.down_proj", config.InnerWidth, config.Width, config.FeedForwardBias)
        );
    }

    private Linear Linear(string name, int inputs, int outputs, bool bias) =>
        new(Matrix($"{name}.weight", outputs, inputs), bias ? Vector($"{name}.bias", outputs) : null);

    private Linear Conv1D(string name, int inputs, int outputs) =>
        new(new Parameter($"{name}.weight", outputs, inputs, type, inputsFirst: true), Vector($"{name}.bias", outputs));

    private Norm LayerNorm(string name) => new(Vector($"{name}.weight", config.Width), Vector($"{name}.bias", config.Width));

    private static Norm RmsNorm(string name, int width) => new(Vector($"{name}.weight", width), null);

    private Parameter Matrix(string name, int outputs, int inputs) => new(name, outputs, inputs, type);

    private static Parameter Vector(string name, int count) => new(name, count, 0, StoredType.F32);
}
