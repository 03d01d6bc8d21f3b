namespace AgentLightning.Governance;

/// <summary>Keys of who serves models, and of what agents search and store with.</summary>
internal static class ModelShapes
{
    public static readonly SecretShape[] All =
    [
        new("Anyscale", "esecret_", Alphabet.Alnum, 20),
        new("Apify", "apify_api_", Alphabet.Alnum, 20),
        new("Browserbase", "bb_live_", Alphabet.Url, 16),
        new("Cerebras", "csk-", Alphabet.Lower, 30),
        new("E2B", "e2b_", Alphabet.Hex, 30),
        new("ElevenLabs", "sk_", Alphabet.Hex, 48, 48),
        new("Firecrawl", "fc-", Alphabet.Hex, 32, 32),
        new("Fireworks", "fw_", Alphabet.Alnum, 20, 40, Randomness.Mixed),
        new("Groq", "gsk_", Alphabet.Alnum, 30),
        new("Hugging Face", "hf_", Alphabet.Alnum, 20, 0, Randomness.Some),
        new("Hugging Face, organisation", "api_org_", Alphabet.Alnum, 30),
        new("LangSmith, personal", "lsv2_pt_", Alphabet.Word, 30),
        new("LangSmith, service", "lsv2_sk_", Alphabet.Word, 30),
        new("LangSmith, older", "ls__", Alphabet.Hex, 32, 32),
        new("Modal, key", "ak-", Alphabet.Alnum, 22, 22, Randomness.Mixed),
        new("Modal, secret", "as-", Alphabet.Alnum, 22, 22, Randomness.Mixed),
        new("NVIDIA", "nvapi-", Alphabet.Url, 30),
        new("OpenAI, Anthropic, DeepSeek, OpenRouter and others", "sk-", Alphabet.Url, 16, 0, Randomness.Some),
        new("Perplexity", "pplx-", Alphabet.Alnum, 30),
        new("Pinecone", "pcsk_", Alphabet.Word, 30),
        new("Replicate", "r8_", Alphabet.Alnum, 30),
        new("RunPod", "rpa_", Alphabet.Alnum, 30, 0, Randomness.Some),
        new("Tavily", "tvly-", Alphabet.Url, 20, 0, Randomness.Some),
        new("Together", "tgp_v1_", Alphabet.Url, 30),
        new("Voyage", "pa-", Alphabet.Url, 43, 43, Randomness.Mixed),
        new("xAI", "xai-", Alphabet.Alnum, 40),
    ];
}
