using AgentLightning.Server.Configuration;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class SettingsTemplateTests
{
    [Fact]
    public void What_is_written_is_read_as_the_defaults_with_what_is_set()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("lightning.json");
        File.WriteAllText(
            file,
            SettingsTemplate.Of(
                new Dictionary<string, string>
                {
                    ["store"] = "C:\\a \"b\".db",
                    ["gateway.upstreams.main.url"] = "https://models.example/v1",
                    ["gateway.agents.shop.base_model"] = "small",
                }
            )
        );

        var options = SettingsReader.Read(file, named: true, [], []);

        Assert.Equal("C:\\a \"b\".db", options.Lightning.Store);
        Assert.Equal(new LightningServerOptions().Urls, options.Urls);
        var text = File.ReadAllText(file);
        Assert.Contains("\"url\": \"https://models.example/v1\"", text, StringComparison.Ordinal);
        Assert.Contains("\"base_model\": \"small\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_setting_stands_in_it_and_every_default_may_be_set_as_it_stands()
    {
        using var folder = new TemporaryFolder();
        var text = SettingsTemplate.Of(new Dictionary<string, string>());
        // As a person does who wants to change one: the mark of the comment goes.
        var all = string.Join(
            '\n',
            text.Split('\n')
                .Select(line =>
                    line.TrimStart().StartsWith("// \"", StringComparison.Ordinal)
                        ? line.Replace("// \"", "\"", StringComparison.Ordinal)
                        : line
                )
        );
        File.WriteAllText(folder.File("lightning.json"), all);

        var options = SettingsReader.Read(folder.File("lightning.json"), named: true, [], []);

        Assert.Equal(new LightningServerOptions().Urls, options.Urls);
        Assert.All(SettingTable.All.Where(setting => !setting.IsSecret), setting =>
            Assert.Contains($"\"{setting.Key.Split('.')[^1]}\":", text, StringComparison.Ordinal)
        );
        Assert.All(SettingTable.All.Where(setting => setting.IsSecret), setting =>
            Assert.Contains($"set the variable {setting.Variable}", text, StringComparison.Ordinal)
        );
    }
}
