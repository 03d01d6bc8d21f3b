using AgentLightning.Common;
using AgentLightning.Engine.Backends;
using AgentLightning.Testing;

namespace AgentLightning.Engine.Tests;

/// <summary><c>config.toml</c>: where it is looked for, what may stand in it, and what goes before what.</summary>
public sealed class BackendConfigTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string> _environment = [];
    private readonly Log _log = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_kind_of_value_is_read()
    {
        var values = TomlValues.Parse(
            "f",
            """
            top = 1 # a comment
            [a.'b c']
            text = "quote \" hash # tab \t \u00e9 \U0001F600"
            literal = 'C:\new'   # no escapes here
            whole = 1_000
            minus = -5
            real = 6.25e1
            yes = true
            no = false
            sub.key = "dotted"
            """.ReplaceLineEndings("\r\n")
        );

        Assert.Equal(
            [
                "top=1",
                "a.b c.text=quote \" hash # tab \t é 😀",
                @"a.b c.literal=C:\new",
                "a.b c.whole=1000",
                "a.b c.minus=-5",
                "a.b c.real=62.5",
                "a.b c.yes=True",
                "a.b c.no=False",
                "a.b c.sub.key=dotted",
            ],
            values.Select(pair => FormattableString.Invariant($"{pair.Key}={pair.Value.Value}"))
        );
        Assert.Equal(10, values["a.b c.sub.key"].Line);
    }

    [Theory]
    [InlineData("a = ", 1)]
    [InlineData("a = hot", 1)]
    [InlineData("a = 1 2", 1)]
    [InlineData("a = 1.2.3", 1)]
    [InlineData("a = \"open", 1)]
    [InlineData("a = \"\\q\"", 1)]
    [InlineData("a = \"\\ud800\"", 1)]
    [InlineData("[a", 1)]
    [InlineData("\na", 2)]
    [InlineData("= 1", 1)]
    [InlineData("a = 1\na = 2", 2)]
    [InlineData("[t]\n[t]", 2)]
    public void What_is_not_toml_is_an_error_that_names_the_line(string text, int line)
    {
        var message = Assert.Throws<LightningException>(() => TomlValues.Parse("config.toml", text)).Message;

        Assert.StartsWith($"config.toml, line {line}: ", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("api_key = sk-planted-0123456789")]
    [InlineData("api_key = \"sk-planted-0123456789")]
    [InlineData("key = \"a\"\nkey = \"sk-planted-0123456789\"")]
    public void An_error_does_not_quote_a_key(string text)
    {
        var message = Assert.Throws<LightningException>(() => TomlValues.Parse("config.toml", text)).Message;

        Assert.DoesNotContain("planted", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_form_of_toml_is_read()
    {
        var values = TomlValues.Parse(
            "f",
            """"
            table = { text = "inline", deep.er = 2 }
            long = """
            two
            lines"""
            list = [1, 2]
            [[many]]
            left = "out"
            """"
        );

        Assert.Equal(
            ["table.text=inline", "table.deep.er=2", "long=two\nlines", "list=[1, 2]"],
            values.Select(pair => FormattableString.Invariant($"{pair.Key}={pair.Value.Value}").ReplaceLineEndings("\n"))
        );
    }

    [Fact]
    public void The_file_is_looked_for_in_five_folders_upwards_and_the_nearest_counts()
    {
        string deep = Folder("1/2/3/4"),
            deeper = Folder("1/2/3/4/5");
        Write("model = 'far'");

        Assert.Equal("far", Loader(deep).LoadConfig()!.General.Model);
        Assert.Null(Loader(deeper).LoadConfig());

        File.WriteAllText(Path.Combine(_folder.Path, "1/2/config.toml"), "[midori_ai_agent_base]\nmodel = 'near'");
        Assert.Equal("near", Loader(deep).LoadConfig()!.General.Model);

        string Folder(string path) => Directory.CreateDirectory(_folder.File(path)).FullName;
    }

    [Fact]
    public void Arguments_go_before_the_table_of_the_back_end_before_the_general_table_before_the_environment_before_defaults()
    {
        string[] layers = ["argument", "backend table", "general table", "environment", "default"];
        for (var least = 0; least < layers.Length; least++)
        {
            _environment.Clear();
            _environment["OPENAI_API_KEY"] = "key";
            if (least <= 3)
            {
                _environment["AF_LLM_MODEL"] = "environment";
                _environment["OPENAI_API_URL"] = "http://environment/v1";
            }

            Write(
                $"""
                backend = "openai"
                {(least <= 2 ? "model = 'general table'\nbase_url = 'http://general/v1'\napi_key = 'general-key'" : "")}
                [midori_ai_agent_base.openai]
                temperature = 0.5
                {(least <= 1 ? "model = 'backend table'\nbase_url = 'http://backend/v1'\napi_key = 'backend-key'" : "")}
                """
            );

            var settings = Resolve(model: least == 0 ? "argument" : null);

            Assert.Equal(layers[least] == "default" ? "gpt-oss:20b" : layers[least], settings.Model);
            Assert.Equal(new[] { "backend", "backend", "general", "environment", "api.openai.com" }[least], settings.BaseUrl!.Host);
            Assert.Equal(new[] { "backend-key", "backend-key", "general-key", "key", "key" }[least], settings.ApiKey);
            Assert.Equal(0.5, settings.Temperature);
        }
    }

    [Fact]
    public void The_table_of_a_back_end_counts_for_the_one_that_is_resolved_wherever_its_name_came_from()
    {
        Write(
            """
            backend = "huggingface"
            model = "general"
            [midori_ai_agent_base.huggingface]
            model = "mine"
            max_new_tokens = 33
            torch_dtype = "bfloat16"
            device = "cpu"
            [midori_ai_agent_base.openai]
            max_tokens = 44
            """
        );
        _environment["OPENAI_API_KEY"] = "key";

        var named = Resolve();
        var argued = Resolve(backend: "openai");

        Assert.Equal(("huggingface", "mine", 33, "bfloat16"), (named.Backend, named.Model, named.MaxTokens, named.Type));
        // A model that the file names for another back end is none for this one.
        Assert.Equal(("openai", "gpt-oss:20b", 44), (argued.Backend, argued.Model, argued.MaxTokens));
    }

    [Fact]
    public void Variables_are_put_in_and_a_value_with_one_that_is_not_set_counts_as_not_written()
    {
        (_environment["HOST"], _environment["MY_KEY"], _environment["AF_LLM_MODEL"]) = (
            "models.example",
            "secret-key-of-mine",
            "from environment"
        );
        Write(
            """
            backend = 'openai'
            base_url = "https://${HOST}/${HOST}/v1"
            api_key = "${MY_KEY}"
            model = "${NOT_SET}-large"
            [midori_ai_agent_base.openai]
            model = ""
            """
        );

        var settings = Resolve();

        Assert.Equal("https://models.example/models.example/v1", settings.BaseUrl!.AbsoluteUri);
        Assert.Equal("secret-key-of-mine", settings.ApiKey);
        Assert.Equal("from environment", settings.Model);
        Assert.Contains(
            "line 5: 'midori_ai_agent_base.model' needs the environment variable NOT_SET",
            Assert.Single(_log.Lines),
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(
            "secret-key-of-mine",
            $"{settings} {Loader().LoadConfig()} {Loader().LoadConfig()!.General} {string.Concat(_log.Lines)}",
            StringComparison.Ordinal
        );
        Assert.Contains("key secr...mine", settings.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_dollar_is_written_twice()
    {
        Write("model = 'a$$b $c $${HOME}'");

        Assert.Equal("a$b $c ${HOME}", Loader().LoadConfig()!.General.Model);
    }

    [Theory]
    [InlineData("model = 7", "'midori_ai_agent_base.model' must be a text")]
    [InlineData("api_key = 1234567890", "'midori_ai_agent_base.api_key' must be a text in quotes.")]
    [InlineData("model = '${}'", "without a name of a variable")]
    [InlineData("model = '${OPEN'", "without a name of a variable")]
    [InlineData("reasoning_effort.effort = 'huge'", "must be none, minimal, low, medium, high, but it is 'huge'")]
    [InlineData("openai.temperature = 3", "a number from 0 to 2, but it is 3")]
    [InlineData("openai.max_tokens = 0", "at least 1, but it is 0")]
    [InlineData("huggingface.load_in_8bit = 'yes'", "true or false")]
    [InlineData("huggingface.device = 'tpu'", "auto, cpu, cuda, mps, but it is 'tpu'")]
    [InlineData("not toml", "line 2: ")]
    public void A_file_that_is_wrong_is_warned_of_with_its_line_and_the_environment_counts(string line, string named)
    {
        Write(line);
        (_environment["OPENAI_API_URL"], _environment["OPENAI_API_KEY"]) = ("http://server/v1", "key");

        var settings = Resolve();

        Assert.Equal("server", settings.BaseUrl!.Host);
        var warning = Assert.Single(_log.Lines);
        Assert.Contains("config.toml, line 2: ", warning, StringComparison.Ordinal);
        Assert.Contains(named, warning, StringComparison.Ordinal);
        Assert.DoesNotContain("1234567890", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_is_not_known_is_warned_of_and_the_rest_counts()
    {
        Write("modell = 'a'\nmodel = 'b'");

        Assert.Equal("b", Loader().LoadConfig()!.General.Model);
        Assert.Contains("line 2: 'midori_ai_agent_base.modell' is not known", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_about_something_else_is_none()
    {
        File.WriteAllText(_folder.File("config.toml"), "[build]\njobs = 4");

        Assert.Null(Loader().LoadConfig());
        Assert.Empty(_log.Lines);
    }

    [Theory]
    [InlineData("unset", null, "huggingface")]
    [InlineData("", null, "huggingface")]
    [InlineData("http://127.0.0.1:1/v1", null, "openai")]
    [InlineData("http://127.0.0.1:1/v1", "huggingface", "huggingface")]
    [InlineData("http://127.0.0.1:1/v1", "local", "huggingface")]
    [InlineData("http://127.0.0.1:1/v1", "langchain", "langchain")]
    [InlineData("http://127.0.0.1:1/v1", "auto", "openai")]
    public void A_server_is_chosen_when_one_is_named_and_else_a_model_in_this_process(string url, string? backend, string chosen)
    {
        _environment["OPENAI_API_URL"] = url;

        Assert.Equal(chosen, Resolve(backend).Backend);
    }

    [Fact]
    public void The_defaults_are_those_that_are_documented()
    {
        var local = Resolve();
        var server = Resolve("openai", environment: name => name == "OPENAI_API_KEY" ? "key" : null);

        Assert.Equal(("openai/gpt-oss-20b", 0.7, 512, 4096), (local.Model, local.Temperature, local.MaxTokens, local.ContextWindow));
        Assert.Equal(("gpt-oss:20b", null, null, 128_000), (server.Model, server.Temperature, server.MaxTokens, server.ContextWindow));
    }

    [Fact]
    public void What_cannot_be_chosen_is_said()
    {
        Assert.StartsWith(
            "No backend available. Set OPENAI_API_URL or",
            Message(() => Resolve(hasLocal: false)).Replace("URL, or", "URL or", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
        Assert.Contains("has no local models", Message(() => Resolve("huggingface", hasLocal: false)), StringComparison.Ordinal);
        Assert.Equal(
            "Unknown agent backend: tor ch. Valid backends are: langchain, openai, huggingface",
            Message(() => Resolve("tor\r\n ch"))
        );
        Assert.Contains("api_key is required", Message(() => Resolve("openai")), StringComparison.Ordinal);
        _environment["OPENAI_API_URL"] = "ftp://user:pass@host";
        Assert.DoesNotContain("pass", Message(() => Resolve("openai")), StringComparison.Ordinal);
        Write("huggingface.device = 'cuda'");
        Assert.Contains("'cuda' cannot be used", Message(() => Resolve("huggingface")), StringComparison.Ordinal);
        Write("huggingface.load_in_4bit = true");
        Assert.Contains("load_in_4bit cannot be used", Message(() => Resolve("huggingface")), StringComparison.Ordinal);

        static string Message(Func<object> resolve) => Assert.Throws<LightningException>(resolve).Message;
    }

    private void Write(string body) => File.WriteAllText(_folder.File("config.toml"), $"[midori_ai_agent_base]\n{body}\n");

    private BackendLoader Loader(string? folder = null) =>
        new(new BackendLoaderOptions { Folder = folder ?? _folder.Path, Environment = name => _environment.GetValueOrDefault(name) }, _log);

    private BackendSettings Resolve(
        string? backend = null,
        string? model = null,
        bool hasLocal = true,
        Func<string, string?>? environment = null
    ) =>
        BackendSettings.Resolve(
            backend,
            model,
            Loader().LoadConfig(),
            environment ?? (name => _environment.GetValueOrDefault(name)),
            hasLocal
        );
}
